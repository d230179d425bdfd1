import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const LEFT_OUT = new Set(['node_modules', '.git', '.cache', '.state', 'coverage', 'violations']);
/** All gates over the whole tree, on a machine that is busy. */
const CHECK_TIMEOUT_MS = 300_000;

let copy = '';

describe('what the scaffolds write', () => {
  beforeAll(() => {
    copy = copyRepository();
  });
  afterAll(() => {
    rmSync(copy, { recursive: true });
  });

  test('says what it can make when asked for something else', async () => {
    expect(await run(['tools/scaffold/new.ts', 'castle', 'x'])).toMatchObject({ code: 64 });
    expect(await run(['tools/scaffold/new.ts', 'provider', 'Not A Name'])).toMatchObject({ code: 1 });
    expect(existsSync(join(copy, 'packages/contract'))).toBe(false);
  });

  test('a provider, a format, two endpoints and a decision pass every gate and their own tests', { timeout: CHECK_TIMEOUT_MS }, async () => {
    const format = 'clay-tablet';
    const wanted = [
      ['provider', 'wooden-abacus'],
      ['format', format],
      ['endpoint', 'tally.count'],
      ['endpoint', 'tally.erase'],
      ['adr', 'Numbers are pressed into clay'],
    ];
    const before = await findings();
    for (const one of wanted) expect(await run(['tools/scaffold/new.ts', ...one])).toMatchObject({ code: 0 });

    expect((await findings()).filter((line) => !before.includes(line))).toEqual([]);
    const tests = await run(['tools/test/run-tests.ts', 'wooden-abacus', `format/${format}/`, 'tally-']);
    expect(tests.said.trimEnd().split('\n').at(-1)).toBe('11 passed, 0 failed, 2 skipped');
  });

  test('an existing name is refused and nothing is changed', async () => {
    const before = readFileSync(join(copy, 'packages/domain/src/provider-kind.ts'), 'utf8');
    expect(await run(['tools/scaffold/new.ts', 'provider', 'memory'])).toMatchObject({ code: 1 });
    expect(readFileSync(join(copy, 'packages/domain/src/provider-kind.ts'), 'utf8')).toBe(before);
  });
});

const SUMMARY = /^(?:ok |FAIL |Failed: |Finished |Format issues |All gates |\d+ problems?$)/;

/** What the gates find, without their sums and the times that they took. */
async function findings(): Promise<readonly string[]> {
  const { said } = await run(['tools/check/check.ts']);
  return said
    .split('\n')
    .filter((line) => !SUMMARY.test(line))
    .map((line) => line.replaceAll(/\d+(?:\.\d+)? ?m?s\b/g, ''));
}

/** The repository in a folder of its own: installed packages are shared, workspaces are the copy's. */
function copyRepository(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'hypersdk-scaffold-')));
  cpSync(ROOT, folder, {
    recursive: true,
    filter: (path) =>
      !relative(ROOT, path)
        .split('/')
        .some((part) => LEFT_OUT.has(part)),
  });
  mkdirSync(join(folder, 'node_modules/@hypersdk'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== '@hypersdk') symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  }
  for (const group of ['packages', 'apps']) {
    for (const name of readdirSync(join(folder, group))) symlinkSync(join('../..', group, name), join(folder, 'node_modules/@hypersdk', name));
  }
  return folder;
}

const run = (args: readonly string[]): Promise<{ readonly code: number; readonly said: string }> =>
  new Promise((settle) => {
    execFile(process.execPath, args, { cwd: copy, env: { PATH: process.env['PATH'] ?? '' }, maxBuffer: 16 * 1024 ** 2 }, (error, stdout) => {
      settle({ code: error === null ? 0 : Number(error.code), said: stdout });
    });
  });
