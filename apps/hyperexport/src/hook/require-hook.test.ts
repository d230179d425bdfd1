import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { requireHook } from './require-hook.ts';

const folder = mkdtempSync(join(tmpdir(), 'hook-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'tells'), '');
chmodSync(join(folder, 'tells'), 0o755);
writeFileSync(join(folder, 'text'), '');
mkdirSync(join(folder, 'folder'));

test('a program that may be run is a hook, by its path or by its name on the search path', () => {
  expect(() => requireHook(join(folder, 'tells'))).not.toThrow();
  expect(() => requireHook('tells', `/nowhere:${folder}`)).not.toThrow();
});

test.each(['tells', 'text', 'folder', `${folder}/tells --loud`, `${folder}/text`, `${folder}/folder`, ''])('%j is refused', (program) => {
  expect(() => requireHook(program, '/nowhere')).toThrow(expect.objectContaining({ code: 'usage/invalid' }));
});
