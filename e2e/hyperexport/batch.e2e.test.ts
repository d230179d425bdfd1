import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { documentOf, run, start } from './program.ts';
import { openWorkshop, range } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
await mkdir(workshop.path('vms'));
for (const name of ['db', 'web-01', 'web-02']) await workshop.disk(`vms/${name}.raw`, { sizeMib: 16, dataMib: range(0, 8) });
const to = workshop.path('backup');
const batch = workshop.path('night.yaml');
const BUSY_TIMEOUT_MS = 120_000;

/** The items of a batch that goes to `backup` beside it. */
async function write(items: string, more = ''): Promise<void> {
  await writeFile(batch, `version: 1\ndefaults: {target: backup}\n${more}\nitems:\n${items}\n`);
}
const TWO = "  - {source: vms, vm: {glob: 'WEB-*'}, format: raw}\n  - {source: vms/db.raw}";

interface BatchDocument {
  readonly ok: boolean;
  readonly items: readonly { readonly status: string; readonly error?: { readonly code: string } }[];
}
async function statuses(...args: readonly string[]): Promise<readonly [code: number | null, ...statuses: readonly string[]]> {
  const ended = await run(['batch', batch, '--json', '--quiet', ...args], workshop);
  return [ended.code, ...(documentOf(ended) as BatchDocument).items.map((item) => item.status)];
}

beforeEach(async () => {
  await rm(to, { recursive: true, force: true });
  await rm(workshop.state, { recursive: true, force: true });
  await mkdir(to);
});

describe('a batch', { timeout: BUSY_TIMEOUT_MS }, () => {
  test('is planned without being done, from any folder', async () => {
    await write(TWO);
    for (const flag of ['--plan', '--dry-run']) {
      const ended = await run(['batch', batch, flag], { ...workshop, cwd: '/' });
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(ended.stdout).toMatch(/^Plan\nITEM .+\n +0 +export +2 .+ raw .+\n +1 +export +1 .+ qcow2 .+\n$/);
    }
    expect(await readdir(to)).toEqual([]);
  });

  test('shows its plan, exports, and typed again skips what is done', async () => {
    await write(TWO);
    const first = await run(['batch', batch, '--plain'], workshop);
    expect(first.code).toBe(0);
    expect(first.stderr).toMatch(/^Plan\n/);
    expect(first.stdout).toContain('2 succeeded\n');
    expect((await readdir(to)).toSorted()).toEqual(['db', 'web-01', 'web-02']);
    expect((await run(['verify', `${to}/web-01`, '--quiet'], workshop)).code).toBe(0);
    const before = await stat(`${to}/db/export-manifest.json`);

    expect(await statuses()).toEqual([0, 'skipped', 'skipped']);
    await rm(`${to}/web-02`, { recursive: true });
    await rm(`${to}/web-01`, { recursive: true });
    expect(await statuses()).toEqual([0, 'succeeded', 'skipped']);
    expect((await stat(`${to}/db/export-manifest.json`)).ino).toBe(before.ino);
  });

  test('that is killed goes on with the item that it was at', async () => {
    await write('  - {source: vms/db.raw}\n  - {source: vms, vm: {name: web-01}}', 'limit-rate: 8M\nparallel: 1');
    const { child, ended, says } = start(['batch', batch, '--plain'], workshop);
    await says(/^web-01\.raw: copying/m);
    child.kill('SIGKILL');
    await ended;
    expect(await statuses()).toEqual([0, 'skipped', 'succeeded']);
  });

  test('is not begun when an item would fail, unless the others are wanted', async () => {
    await write('  - {source: vms, vm: {name: nix}}\n  - {source: vms/db.raw}');
    const refused = await run(['batch', batch], workshop);
    expect(refused).toMatchObject({ code: 75, stdout: '' });
    expect(refused.stderr).toContain('items[0] would fail: There is no VM nix');
    expect(await readdir(to)).toEqual([]);
    expect(await statuses('--on-error', 'continue')).toEqual([66, 'failed', 'succeeded']);
  });

  test.each([
    ['  - {source: vms, format: zip}', 65, 'items[0].format'],
    ['  - {source: vms, settings: {compression: lz4}}', 64, 'items[0]: --compression "lz4"'],
    ['  - {source: vms, vm: {name: db}}\n  - {source: vms/db.raw}', 65, 'items[0] and items[1] both export to'],
    ['  - {source: vms/db.raw, format: vmdk, settings: {compression: zstd}}', 64, 'compression'],
    ['  - {source: vms', 65, 'is not a batch: '],
    ['  - {source: vms, vm: {regex: "("}}', 64, 'is not a regular expression'],
  ])('that holds %j is refused whole', async (items, code, why) => {
    await write(items);
    const ended = await run(['batch', batch], workshop);
    expect(ended.stderr).toContain(why);
    expect(ended.code).toBe(code);
    expect(await readdir(to)).toEqual([]);
  });

  test('that is not there is told', async () => {
    expect((await run(['batch', workshop.path('nix.yaml')], workshop)).code).toBe(66);
    expect((await run(['batch', workshop.path('vms')], workshop)).code).toBe(66);
  });
});
