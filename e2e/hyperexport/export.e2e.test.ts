import { execFileSync } from 'node:child_process';
import { cp, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { MIB } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { documentOf, run, start } from './program.ts';
import { openWorkshop, range } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
await mkdir(workshop.path('vms'));
await workshop.disk('vms/web-01.raw', { sizeMib: 96, dataMib: [0, 5, 40, 95] });
await workshop.disk('vms/big.raw', { sizeMib: 128, dataMib: range(0, 32) });
const vms = workshop.path('vms');
const web = workshop.path('vms/web-01.raw');
const to = workshop.path('backup');

beforeEach(async () => {
  await rm(to, { recursive: true, force: true });
  await mkdir(to);
});

// Copies at a set pace, several in a row: on a busy machine the usual limit is too tight.
const BUSY_TIMEOUT_MS = 120_000;

interface ExportDocument {
  readonly run: string;
  readonly exports: readonly {
    readonly folder: string;
    readonly publicKey: string;
    readonly disks: readonly { readonly path: string; readonly root: string; readonly resumedAt: number }[];
  }[];
}
const exported = async (...args: readonly string[]): Promise<ExportDocument> => {
  const ended = await run(['export', ...args, '--to', to, '--json', '--quiet'], workshop);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  return documentOf(ended) as ExportDocument;
};

describe('list', () => {
  test('shows the VMs of a folder to people and programs', async () => {
    const ended = await run(['list', vms], workshop);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^NAME +STATE .+\nbig .+\nweb-01 .+ 96 MiB +raw +web-01\.raw\n$/);
    expect(documentOf(await run(['list', vms, '--match', 'web', '--json'], workshop))).toMatchObject({
      vms: [{ name: 'web-01', provider: 'files' }],
      problems: [],
    });
    expect(documentOf(await run(['list', vms, '--min-size', '100M', '--json'], workshop))).toMatchObject({ vms: [{ name: 'big' }] });
  });

  test('says what it leaves out without failing', async () => {
    const folder = workshop.path('mixed');
    await mkdir(folder);
    await writeFile(`${folder}/broken.qcow2`, 'not a qcow2 at all');
    const ended = await run(['list', folder], workshop);
    expect(ended).toMatchObject({ code: 0, stdout: 'There is no VM here.\n' });
    expect(ended.stderr).toMatch(/^hyperexport: left out: .*broken\.qcow2.*\n$/);
  });

  test('is not steered by a name', async () => {
    await mkdir(workshop.path('hostile'));
    await workshop.disk('hostile/we\u001B[2Jb\u202E.raw', { sizeMib: 1, dataMib: [0] });
    const ended = await run(['list', workshop.path('hostile')], workshop);
    expect(ended.code).toBe(0);
    expect(ended.stdout + ended.stderr).toContain('we [2Jb');
    for (const sign of ['\u001B', '\u202E']) expect(ended.stdout + ended.stderr).not.toContain(sign);
  });

  test('of nothing is an error', async () => {
    expect((await run(['list', workshop.path('nix')], workshop)).code).toBe(66);
  });
});

describe('export', () => {
  test('writes image, leaves, receipt and manifests, and nothing else', async () => {
    const { exports } = await exported(vms, 'web-01');
    expect(exports).toHaveLength(1);
    expect((await readdir(`${to}/web-01`)).toSorted()).toEqual([
      'artifact-manifest.json',
      'disk-0.qcow2',
      'disk-0.qcow2.leaves',
      'disk-0.qcow2.receipt.json',
      'export-manifest.json',
    ]);
    expect((await run(['compare', web, `${to}/web-01/disk-0.qcow2`], workshop)).code).toBe(0);
  });

  test.skipIf(missing('qemu-img'))('writes what others read, from an image as well as from a folder', async () => {
    for (const [name, ...flags] of [
      ['q', '--compression', 'zlib'],
      ['v', '--format', 'vmdk', '--subformat', 'streamOptimized'],
      ['r', '--format', 'raw'],
    ]) {
      const { exports } = await exported(web, '--name', name ?? '', ...flags);
      expect(execFileSync('qemu-img', ['compare', web, '-f', 'raw', exports[0]?.disks[0]?.path ?? ''], { encoding: 'utf8' })).toContain('identical');
    }
  });

  test('of a folder takes every VM in it', async () => {
    expect((await exported(vms)).exports.map((one) => one.folder)).toEqual([`${to}/big`, `${to}/web-01`]);
  });

  test('ends with what a person wants to know, and how to prove it again', async () => {
    const ended = await run(['export', vms, 'web-01', '--to', to, '--plain'], workshop);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/^web-01: exported and proven\n/);
    for (const label of ['folder', 'root', 'data', 'read back', 'signed by', 'public key', 'verify'])
      expect(ended.stdout).toMatch(new RegExp(`^ *${label} `, 'm'));
    expect(ended.stderr).toMatch(/web-01\.raw: done 100%/);
    const typed = / hyperexport verify (\S+)\n/.exec(ended.stdout)?.[1] ?? '';
    expect((await run(['verify', typed], workshop)).code).toBe(0);
  });

  test('shows what it would do without doing it', async () => {
    const ended = await run(['export', vms, 'web-01', '--to', to, '--dry-run'], workshop);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toContain('nothing is written');
    expect(await readdir(to)).toEqual([]);
    expect(documentOf(await run(['export', vms, '--to', to, '--dry-run', '--json'], workshop))).toMatchObject({
      plans: [{ name: 'big', findings: [] }, { name: 'web-01' }],
    });
  });

  test('does not replace an export unless told to', async () => {
    await exported(vms, 'web-01');
    const refused = await run(['export', vms, 'web-01', '--to', to], workshop);
    expect(refused).toMatchObject({ code: 73, stdout: '' });
    expect(refused.stderr).toBe(
      'hyperexport: web-01 already holds a complete export. Choose another name, or allow replacing it with --overwrite.\n',
    );
    expect((await run(['export', vms, 'web-01', '--to', to, '--dry-run'], workshop)).code).toBe(75);
    await exported(vms, 'web-01', '--overwrite');
  });

  test.each([
    [['nix'], 66, 'There is no VM nix; there is big, web-01.'],
    [['web-01', '--source-format', 'qcow2'], 65, 'web-01.raw is raw, not qcow2.'],
    [['--name', 'x'], 64, '--name fits one VM, and 2 are to be exported.'],
    [['web-01', '--name', '../x'], 64, 'The name of an export'],
    [['web-01', '--cluster-size', '3000'], 64, 'luster'],
  ])('%j is refused with exit code %i', async (args, code, message) => {
    const ended = await run(['export', vms, ...args, '--to', to], workshop);
    expect(ended.stderr).toContain(message);
    expect(ended.code).toBe(code);
  });

  test.each([
    [['--subformat', 'foo'], 'qcow2 has no subformats'],
    [['--format', 'vmdk', '--cluster-size', '64K'], 'cluster size is not a setting of VMDK images'],
  ])('leaves no folder behind when it cannot write with %j', async (flags, why) => {
    const ended = await run(['export', vms, 'web-01', '--to', to, '--name', 'refused', ...flags], workshop);
    expect(ended).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining(why) });
    expect(await readdir(to)).not.toContain('refused');
  });

  test('needs a folder that is there', async () => {
    expect(await run(['export', vms, '--to', workshop.path('nix'), '--json'], workshop)).toMatchObject({ code: 73, stderr: '' });
  });
});

describe('a killed export', { timeout: BUSY_TIMEOUT_MS }, () => {
  const slow = ['export', vms, 'big', '--to', to, '--limit-rate', '16M'];

  // 32 MiB at 16 MiB a second take two seconds.
  const MIDWAY_MS = 700;

  /** Kills the process itself, not politely, in the middle of the copy. */
  async function killMidway(): Promise<void> {
    const { child, ended, says } = start([...slow, '--plain'], workshop);
    await says(/copying/);
    await new Promise((done) => setTimeout(done, MIDWAY_MS));
    child.kill('SIGKILL');
    await ended;
    expect((await readdir(`${to}/big`)).some((name) => name === 'disk-0.qcow2' || name === 'export-manifest.json')).toBe(false);
  }

  test('is called interrupted, and the same command goes on by itself', async () => {
    await killMidway();
    expect(documentOf(await run(['history', '--limit', '1', '--json'], workshop))).toMatchObject({
      runs: [{ state: 'interrupted', command: 'export' }],
    });
    const ended = await run([...slow, '--json', '--quiet'], workshop);
    expect(ended.code).toBe(0);
    expect((await run(['compare', `${vms}/big.raw`, `${to}/big/disk-0.qcow2`], workshop)).code).toBe(0);
    const { runs } = documentOf(await run(['history', '--json'], workshop)) as {
      readonly runs: readonly { readonly id: string; readonly state: string }[];
    };
    expect(runs[0]).toMatchObject({ id: (documentOf(ended) as ExportDocument).run, state: 'succeeded' });
    expect(runs.filter((one) => one.state === 'interrupted')).toEqual([]);
  });

  test('goes on with resume from any folder, without being told what it was', async () => {
    await killMidway();
    const ended = await run(['resume', '--json', '--quiet'], { ...workshop, cwd: '/' });
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect((await run(['verify', `${to}/big`], workshop)).code).toBe(0);
    expect(await run(['resume'], workshop)).toMatchObject({ code: 66, stderr: expect.stringContaining('There is no run to go on with.') });
    expect(await run(['resume', 'nix'], workshop)).toMatchObject({ code: 66, stderr: expect.stringContaining('There is no run nix; ') });
  });

  test('of several VMs does not begin with the finished ones again', async () => {
    await workshop.disk('vms/a-small.raw', { sizeMib: 8, dataMib: [1, 6] });
    const all = ['export', vms, '--to', to, '--parallel', '1', '--limit-rate', '16M'];
    const { child, ended, says } = start([...all, '--plain'], workshop);
    await says(/^big\.raw: copying/m);
    child.kill('SIGKILL');
    await ended;
    const before = await stat(`${to}/a-small/export-manifest.json`);
    const again = await run([...all.slice(0, -2), '--json', '--quiet'], workshop);
    expect(again.code, 'other choices are another run').toBe(73);
    const resumed = await run(['resume', '--json', '--quiet'], workshop);
    expect(resumed).toMatchObject({ code: 0, stderr: '' });
    expect((documentOf(resumed) as ExportDocument).exports.map((one) => one.folder)).toEqual(
      ['a-small', 'big', 'web-01'].map((name) => `${to}/${name}`),
    );
    expect((await stat(`${to}/a-small/export-manifest.json`)).ino).toBe(before.ino);
    await rm(`${vms}/a-small.raw`);
  });

  test('stopped by a signal says how to go on, as a document too', async () => {
    const { child, ended, says } = start([...slow, '--json'], workshop);
    await says(/copying/);
    child.kill('SIGTERM');
    const stopped = await ended;
    expect(stopped.code).toBe(130);
    expect(documentOf(stopped)).toMatchObject({ error: { code: 'transfer/cancelled', detail: { resume: expect.stringMatching(/^\w{6}$/) } } });
    expect((await run(['resume', '--quiet'], workshop)).code).toBe(0);
  });
});

describe('verify', () => {
  test('names the leaf that was flipped', async () => {
    const { exports } = await exported(vms, 'big', '--format', 'raw');
    await using file = await open(exports[0]?.disks[0]?.path ?? '', 'r+');
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, 21 * MIB);
    await file.write(Buffer.from([byte.readUInt8() ^ 0x80]), 0, 1, 21 * MIB);
    const ended = await run(['verify', `${to}/big`], workshop);
    expect(ended.code).toBe(1);
    expect(ended.stdout).toContain('DIFFERENT');
    expect(ended.stderr).toContain('disk-0.raw is not what was exported at bytes 20971520 to 25165823 (leaf 5).');
    expect(documentOf(await run(['verify', `${to}/big/export-manifest.json`, '--json', '--quiet'], workshop))).toMatchObject({
      error: { code: 'verify/mismatch', detail: { leaf: 5, offset: 20 * MIB, length: 4 * MIB } },
    });
  });

  test('checks the signature with the key it is given, on a machine that has only files and key', async () => {
    const { exports } = await exported(vms, 'web-01');
    const key = workshop.path('exporter.pem');
    await cp(exports[0]?.publicKey ?? '', key);
    const elsewhere = { state: workshop.path('elsewhere') };
    expect(documentOf(await run(['verify', `${to}/web-01`, '--public-key', key, '--json', '--quiet'], elsewhere))).toMatchObject({
      ok: true,
      disks: [{ receipt: 'valid' }],
    });
    const unsigned = (await run(['verify', `${to}/web-01`], elsewhere)).stdout;
    expect(unsigned).toContain('not checked');
    expect(unsigned).toContain('Equal to what was recorded.');
    expect(unsigned).not.toContain('Proven');
    await expect(stat(elsewhere.state)).rejects.toThrow('ENOENT');
  });

  test('trusts no other key and no changed receipt', async () => {
    const { exports } = await exported(vms, 'web-01');
    const other = { state: workshop.path('other') };
    await run(['convert', web, workshop.path('other.qcow2'), '--quiet'], other);
    const foreign = await run(['verify', `${to}/web-01`, '--public-key', `${other.state}/keys/receipts.pem.pub`, '--json', '--quiet'], workshop);
    expect(foreign.code).toBe(65);
    expect(documentOf(foreign)).toMatchObject({ error: { code: 'receipt/untrusted' } });

    const receipt = `${to}/web-01/disk-0.qcow2.receipt.json`;
    const text = await readFile(receipt, 'utf8');
    expect(text).toMatch(/"crash"/);
    await writeFile(receipt, text.replace('"crash"', '"application"'));
    expect((await run(['verify', `${to}/web-01`, '--public-key', exports[0]?.publicKey ?? ''], workshop)).code).toBe(65);
  });

  test('of something else is an error, not a verdict', async () => {
    expect((await run(['verify', workshop.path('nix')], workshop)).code).toBe(66);
    expect((await run(['verify', vms], workshop)).code).toBe(66);
    // An image without a receipt beside it.
    expect((await run(['verify', web], workshop)).code).toBe(66);
  });
});
