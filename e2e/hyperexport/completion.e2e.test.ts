import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { run } from './program.ts';
import { openWorkshop } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());

async function scriptFor(shell: string): Promise<string> {
  const ended = await run(['completion', shell], workshop);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  const path = workshop.path(`completion.${shell}`);
  await writeFile(path, ended.stdout);
  return path;
}

describe.skipIf(missing('bash'))('in bash', () => {
  /** What bash would offer for the last word. */
  async function offers(...words: readonly string[]): Promise<readonly string[]> {
    const script = `source "$1"; shift; COMP_WORDS=(hyperexport "$@"); COMP_CWORD=$#; compopt() { COMPREPLY=(files); }; _hyperexport; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const shown = execFileSync('bash', ['-euc', script, 'bash', await scriptFor('bash'), ...words], { encoding: 'utf8' });
    return shown.split('\n').filter((line) => line !== '');
  }

  test('completes commands', async () => {
    expect(await offers('co')).toEqual(['convert', 'compare', 'completion']);
    expect(await offers('')).toContain('--version');
  });

  test('completes the flags of the command that was typed', async () => {
    expect(await offers('export', '--li')).toEqual(['--limit-rate']);
    expect(await offers('history', '--')).toEqual(['--vm', '--since', '--until', '--result', '--limit', '--report', '--json', '--quiet', '--help']);
  });

  test('completes values, and files where files belong', async () => {
    expect(await offers('export', 'x', '--format', '')).toEqual(['raw', 'qcow2', 'vmdk', 'vhd', 'vdi', 'vhdx', 'ova', 'ovf']);
    expect(await offers('completion', 'z')).toEqual(['zsh']);
    expect(await offers('profile', '')).toEqual(['list', 'show']);
    expect(await offers('batch', 'x', '--on-error', '')).toEqual(['stop', 'continue']);
    expect(await offers('export', 'x', '--to', '')).toEqual(['files']);
    expect(await offers('inspect', '')).toEqual(['files']);
  });
});

test.skipIf(missing('zsh'))('zsh understands its script', async () => {
  expect(execFileSync('zsh', ['-n', await scriptFor('zsh')], { encoding: 'utf8' })).toBe('');
});

test.skipIf(missing('fish'))('fish understands its script', async () => {
  expect(execFileSync('fish', ['--no-execute', await scriptFor('fish')], { encoding: 'utf8' })).toBe('');
});

test.each(['zsh', 'fish'])('the script for %s names every flag of every command', async (shell) => {
  const script = (await run(['completion', shell], workshop)).stdout;
  for (const flag of ['limit-rate', 'subformat', 'public-key', 'cluster-size', 'min-size', 'unverified']) expect(script).toContain(flag);
});
