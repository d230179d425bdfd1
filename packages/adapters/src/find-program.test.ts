import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findProgram } from './find-program.ts';

let folder = '';
const program = (path: string, mode = 0o755): string => {
  writeFileSync(join(folder, path), '#!/bin/sh');
  chmodSync(join(folder, path), mode);
  return join(folder, path);
};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'programs-'));
  for (const name of ['one', 'two']) mkdirSync(join(folder, name));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('the first name is wanted most, and the first folder within it', () => {
  const [later, wanted] = [program('two/wanted'), program('one/second')];
  const folders = [join(folder, 'one'), join(folder, 'two')];
  expect(findProgram(['wanted', 'second'], folders)).toBe(later);
  expect(findProgram(['second'], folders)).toBe(wanted);
  expect(findProgram(['none'], folders)).toBeUndefined();
});

test('a relative folder is never looked in', () => {
  program('two/wanted');
  const fromHere = relative(process.cwd(), join(folder, 'two'));
  expect(findProgram(['wanted'], [join(folder, 'two')])).toBeDefined();
  expect(findProgram(['wanted'], [fromHere, `./${fromHere}`, ''])).toBeUndefined();
});
