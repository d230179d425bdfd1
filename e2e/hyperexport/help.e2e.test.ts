import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { expectGolden } from './golden.ts';
import { documentOf, run } from './program.ts';
import { openWorkshop } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
const VERBS = [
  'export',
  'batch',
  'inspect',
  'convert',
  'verify',
  'chain',
  'boot',
  'adapt',
  'compare',
  'serve',
  'restore',
  'residue',
  'resume',
  'list',
  'browse',
  'history',
  'profile',
  'completion',
  'man',
];

describe('help', () => {
  test('without a command says what there is to do', async () => {
    const ended = await run(['--help'], workshop);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    await expectGolden('help.txt', ended.stdout);
    expect((await run([], workshop)).stdout).toBe(ended.stdout);
  });

  test.each(VERBS)('of %s has a usage line, examples and flags, and fits 80 columns', async (verb) => {
    const ended = await run([verb, '--help'], workshop);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(new RegExp(`^Usage: hyperexport ${verb}\\b`));
    expect(ended.stdout).toContain(`\nEXAMPLES\n  hyperexport ${verb}`);
    for (const line of ended.stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    await expectGolden(`help-${verb}.txt`, ended.stdout);
  });
});

test('the version is the one of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../apps/hyperexport/package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  expect(await run(['--version'], workshop)).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
});

test('help is understood as a command too', async () => {
  expect(await run(['help'], workshop)).toEqual(await run(['--help'], workshop));
  expect(await run(['help', 'verify'], workshop)).toEqual(await run(['verify', '--help'], workshop));
});

describe('wrong usage', () => {
  test.each([
    [['exprot'], 'There is no command "exprot"; did you mean export?'],
    [['export', 'x', '--to', 'y', '--forma', 'raw'], 'There is no flag --forma; did you mean --format?'],
    [['export', 'x'], '--to is missing.'],
    [['export', 'x', '--to'], '--to is missing its value.'],
    [['export', 'x', '--to', '--quiet'], '--to is missing its value before --quiet.'],
    [['export', '--to', 'y'], 'PATH is missing.'],
    [['export', 'x', '--to', 'y', '--format', 'qed'], '--format "qed": it must be one of raw, qcow2, vmdk, vhd, vdi, vhdx, ova, ovf.'],
    [
      ['export', 'x', '--to', 'y', '--limit-rate', 'fast'],
      '--limit-rate "fast": it must be a size such as 512K, 50M or 1.5G, or times of day: 08:00-18:00=50M,*=500M.',
    ],
    [['export', 'x', '--to', 'y', '--compression', 'zlib:10'], '--compression "zlib:10": the level must be from 1 to 9.'],
    [['export', 'x', '--to', 'y', '--to', 'z'], '--to is given twice ("y", "z").'],
    [['compare', 'a'], 'IMAGE is missing.'],
    [['compare', 'a', 'b', 'c'], '"c" is one argument too many (2 expected).'],
    [['completion', 'tcsh'], 'SHELL "tcsh": it must be one of bash, zsh, fish.'],
    [['convert', 'a', '-z', 'b'], 'There is no flag -z.'],
  ])('%j is told in one line with exit code 64', async (args, message) => {
    const mend = 'See --help for the accepted values and examples.';
    expect(await run(args, workshop)).toEqual({ code: 64, stdout: '', stderr: `hyperexport: ${message} ${mend}\n` });
  });

  test('is a document with --json', async () => {
    const ended = await run(['export', 'x', '--json'], workshop);
    expect(ended).toMatchObject({ code: 64, stderr: '' });
    expect(documentOf(ended)).toEqual({
      error: { code: 'usage/invalid', message: '--to is missing.', mend: 'See --help for the accepted values and examples.', detail: {} },
    });
  });
});

test('help, version and wrong usage leave no trace', async () => {
  await expect(import('node:fs/promises').then((fs) => fs.readdir(workshop.state))).rejects.toThrow('ENOENT');
});
