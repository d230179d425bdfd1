import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const OUTCOMES = join(import.meta.dirname, 'fixtures/violations');

describe('the closing line', () => {
  test('counts a failing test, a test that hangs, a broken hook and a file that does not load as failures', async () => {
    const { code, said } = await run([]);
    expect(said.trimEnd().split('\n').at(-1)).toBe('1 passed, 4 failed, 2 skipped');
    expect(code).toBe(1);
    for (const reason of ['the hook gave up', 'not-there.ts', 'timed out', '42']) expect(said).toContain(reason);
  });

  test('a run of nothing is a failure', async () => {
    const { code, said } = await run(['no-such-file']);
    expect(said.trimEnd().split('\n').at(-1)).toBe('0 passed, 0 failed, 0 skipped');
    expect(code).toBe(1);
  });

  test('arguments choose tests by path and by name', async () => {
    const { code, said } = await run(['outcomes', '--testNamePattern=^passes$']);
    expect(said.trimEnd().split('\n').at(-1)).toBe('1 passed, 0 failed, 3 skipped');
    expect(code).toBe(0);
  });
});

/** The runner over a folder whose tests end in every way there is. Required programs are another run's affair. */
const run = (args: readonly string[]): Promise<{ readonly code: number; readonly said: string }> =>
  new Promise((settle) => {
    const all = [join(import.meta.dirname, 'run-tests.ts'), '--config', join(OUTCOMES, 'vitest.config.ts'), '--root', OUTCOMES, ...args];
    execFile(process.execPath, all, { cwd: ROOT, env: { PATH: process.env['PATH'] ?? '' } }, (error, stdout) => {
      settle({ code: error === null ? 0 : Number(error.code), said: stdout });
    });
  });
