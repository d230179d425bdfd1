import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeStateFolder } from './make-state-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'hyperexport-state-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the folder is made with those above it, for this user alone, and may be there already', async () => {
  const path = join(folder, 'a/b/c');
  await makeStateFolder(path);
  await makeStateFolder(path);
  expect(statSync(path).mode & 0o777).toBe(0o700);
});

test('a file in the way is told', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(makeStateFolder(join(folder, 'file'))).rejects.toThrow('it is not a folder');
  await expect(makeStateFolder(join(folder, 'file/x'))).rejects.toMatchObject({ code: 'target/read-only' });
});

test.skipIf(!existsSync('/proc/self'))('a file system that takes no folders is told, not asked for ever', async () => {
  await expect(makeStateFolder('/proc/hypersdk/state')).rejects.toThrow('the system answered ENOENT');
});
