import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const PLANTED = resolve(import.meta.dirname, 'fixtures/violations');

describe('what the compiler refuses', () => {
  test('a registry with a gap, a facet that is there but undefined, a side door into a package, an unknown error code', async () => {
    const said = await compile();
    const found = said.split('\n').flatMap((line) => {
      const [, file, at, code] = /([\w-]+\.ts)\((\d+),\d+\): error (TS\d+)/.exec(line) ?? [];
      return code === undefined ? [] : [`${file}:${at} ${code}`];
    });
    expect(found.sort()).toEqual(expected());
  });
});

/** `file:line code` of every `// expect: code`; whatever is not marked so must compile. */
const expected = (): string[] =>
  readdirSync(PLANTED)
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      readFileSync(join(PLANTED, file), 'utf8')
        .split('\n')
        .map((text, index) => ({ code: /\/\/ expect: (TS\d+)/.exec(text)?.[1], place: `${file}:${index + 1}` })),
    )
    .flatMap(({ code, place }) => (code === undefined ? [] : [`${place} ${code}`]))
    .sort();

/** The compiler ends with an error when it finds something: here that is the good case. */
const compile = (): Promise<string> =>
  new Promise((settle, reject) => {
    execFile(join(ROOT, 'node_modules/.bin/tsc'), ['--noEmit', '--pretty', 'false', '--project', PLANTED], { cwd: ROOT }, (error, stdout) => {
      if (stdout === '') reject(error ?? new Error('the compiler found nothing'));
      else settle(stdout);
    });
  });
