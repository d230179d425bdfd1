import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Folder } from './folder.ts';

let base = '';
let folder: Folder;

beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'hypersdk-folder-')));
  for (const name of ['in', 'in/sub', 'in/..odd', 'in-beside', 'out']) await mkdir(join(base, name));
  for (const name of ['in/a.raw', 'in/sub/b.raw', 'in/..odd/c.raw', 'in-beside/d.raw', 'out/secret.raw']) await writeFile(join(base, name), name);
  await symlink('../out/secret.raw', join(base, 'in/leak.raw'));
  await symlink(join(base, 'out'), join(base, 'in/leaks'));
  await symlink('sub/b.raw', join(base, 'in/near.raw'));
  await symlink('loop.raw', join(base, 'in/loop.raw'));
  await symlink(join(base, 'in'), join(base, 'in-by-link'));
  folder = await Folder.open(join(base, 'in-by-link'));
});

afterAll(() => rm(base, { recursive: true }));

test.each([
  ['a.raw', '', 'a.raw'],
  ['./sub/../a.raw', '', 'a.raw'],
  ['b.raw', 'sub', 'sub/b.raw'],
  ['../a.raw', 'sub', 'a.raw'],
  ['..odd/c.raw', '', '..odd/c.raw'],
  ['near.raw', '', 'sub/b.raw'],
])('%s seen from "%s" is the file at %s', async (name, from, place) => {
  expect(await folder.find(name, from)).toEqual({ path: join(base, 'in', place), place });
});

test('absolute paths inside are found, whichever name the folder has', async () => {
  expect((await folder.find(join(base, 'in/sub/b.raw')))?.place).toBe('sub/b.raw');
  expect((await folder.find(join(base, 'in-by-link/sub/b.raw')))?.place).toBe('sub/b.raw');
});

test.each([
  '',
  '.',
  '..',
  'sub',
  'absent.raw',
  '../out/secret.raw',
  'sub/../../out/secret.raw',
  '../in-beside/d.raw',
  'leak.raw',
  'leaks/secret.raw',
  'loop.raw',
  'a.raw/x',
  'a\0.raw',
  '/etc/passwd',
  '//etc/passwd',
  'x'.repeat(300),
  `${'x/'.repeat(3000)}x`,
])('%j is nothing in this folder', async (name) => {
  expect(await folder.find(name)).toBeUndefined();
});

test('absolute paths outside are nothing, also beside a folder whose name begins alike', async () => {
  for (const name of ['out/secret.raw', 'in-beside/d.raw', 'in/../out/secret.raw', 'in/leak.raw'])
    expect(await folder.find(join(base, name))).toBeUndefined();
});

test('no name ever leads out', async () => {
  const part = fc.constantFrom(
    '..',
    '.',
    '',
    'sub',
    'leaks',
    'leak.raw',
    'secret.raw',
    'a.raw',
    'b.raw',
    'out',
    'in',
    '..odd',
    '\0',
    'near.raw',
    '...',
    '.. ',
  );
  const names = fc
    .tuple(fc.constantFrom('', '/', `${base}/`, `${base}/in/`, `${base}/in-by-link/`), fc.array(part, { maxLength: 8 }))
    .map(([start, parts]) => start + parts.join('/'));
  await fc.assert(
    fc.asyncProperty(names, fc.constantFrom('', 'sub', '..odd'), async (name, from) => {
      const found = await folder.find(name, from);
      if (found) expect(await realpath(found.path)).toMatch(new RegExp(`^${base}/in/`));
    }),
    { numRuns: 500 },
  );
});

test('what is neither folder nor file cannot be opened', async () => {
  await expect(Folder.open(join(base, 'absent'))).rejects.toMatchObject({ code: 'source/not-found' });
  await expect(Folder.open('/dev/null')).rejects.toMatchObject({ code: 'source/unreadable' });
});

test('a single file stands for itself', async () => {
  expect(await Folder.open(join(base, 'in/a.raw'))).toMatchObject({ root: join(base, 'in'), only: 'a.raw' });
});
