import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { documentOf, run, type Ended } from './program.ts';
import { openWorkshop } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
const disk = await workshop.disk('db.raw', { sizeMib: 4, dataMib: [1] });
for (const folder of ['profile', 'environment', 'flag', 'config/hyperexport']) await mkdir(workshop.path(folder), { recursive: true });
await writeFile(
  workshop.path('config/hyperexport/config.yaml'),
  `default: nightly
profiles:
  nightly: {to: ${workshop.path('profile')}, format: raw, parallel: 3}
  wrong: {format: zip}
  misspelled: {formt: raw}
`,
);
const env = { XDG_CONFIG_HOME: workshop.path('config') };
const typed = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  run([...args], { ...workshop, env: { ...env, ...more } });
const planned = async (args: readonly string[], more?: Readonly<Record<string, string>>): Promise<string> =>
  (await typed(['export', disk, '--dry-run', ...args], more)).stdout;

describe('profiles', () => {
  test('fill what was not given; the environment counts before them, and a flag before both', async () => {
    expect(await planned([])).toContain(`folder  ${workshop.path('profile')}/db`);
    expect(await planned([])).toContain('disk-0.raw');
    const variables = { HYPEREXPORT_TO: workshop.path('environment'), HYPEREXPORT_FORMAT: 'vmdk' };
    expect(await planned([], variables)).toContain(`folder  ${workshop.path('environment')}/db`);
    expect(await planned(['--to', workshop.path('flag')], variables)).toContain(`folder  ${workshop.path('flag')}/db`);
    expect(await planned([], variables)).toContain('disk-0.vmdk');
  });

  test('are part of the run: going on does not ask them again', async () => {
    expect((await typed(['export', disk, '--quiet'])).code).toBe(0);
    expect(await readdir(workshop.path('profile/db'))).toContain('disk-0.raw');
    const { runs } = documentOf(await typed(['history', '--json'])) as { readonly runs: readonly { readonly resume: readonly string[] }[] };
    expect(runs[0]?.resume).toEqual(['export', '--format=raw', '--parallel=3', `--to=${workshop.path('profile')}`, '--verify=100', '--', disk]);
  });

  test('are listed and shown', async () => {
    expect((await typed(['profile', 'list'])).stdout).toMatch(/^NAME +DEFAULT +SETS\nnightly +yes +to, format, parallel\n/);
    expect((await typed(['profile', 'show', 'nightly'])).stdout).toMatch(/^nightly\n--to +.+\n--format +raw\n--parallel +3\n$/);
    expect(documentOf(await typed(['profile', 'show', '--json']))).toMatchObject({ name: 'nightly', settings: { format: 'raw' } });
    expect(await typed(['profile', 'show', 'nightyl'])).toMatchObject({
      code: 66,
      stderr: expect.stringContaining('There is no profile nightyl; there is nightly, wrong, misspelled. See which'),
    });
    expect((await run(['profile'], workshop)).stdout).toContain('No profile is configured');
  });

  test.each([
    [['--profile', 'nix'], 66, 'There is no profile nix; there is nightly, wrong, misspelled.'],
    [['--profile', 'wrong'], 64, 'From profile wrong: --format "zip"'],
    [['--profile=misspelled'], 65, 'Profile misspelled has a setting "formt"'],
    [['--profile'], 64, '--profile is missing its name'],
  ])('%j is refused with its reason', async (args, code, why) => {
    const ended = await typed(['export', disk, '--to', workshop.path('flag'), ...args]);
    expect(ended.stderr).toContain(why);
    expect(ended.code).toBe(code);
  });
});
