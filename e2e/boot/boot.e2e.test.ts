import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { bootFirmwares, imageFormats, MIB } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, start, type Ended } from '../hyperexport/program.ts';
import { buildGuestDisk, GREETING, hasParts } from './guest-disk.ts';
import { guestsOf, untilGone } from './guest-processes.ts';

const isPossible = !missing('qemu-system-x86_64', 'bwrap', 'setpriv', 'prlimit', 'mcopy', 'syslinux', 'cpio', 'age-keygen') && hasParts();
/** An emulated guest is up within ten seconds on a calm machine. */
const PATIENCE_MS = 240_000;

let folder: string;
const at = (name: string): string => join(folder, name);
const hyperexport = (...args: readonly string[]): Promise<Ended> => run(args, { state: at('state') });
const verdictOf = async (name: string): Promise<unknown> =>
  Reflect.get(JSON.parse(await readFile(at(`${name}.boot.json`), 'utf8')) as object, 'verdict');
const digestOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

function makeKey(path: string): string {
  execFileSync('age-keygen', ['-o', path], { stdio: 'pipe' });
  return execFileSync('age-keygen', ['-y', path], { encoding: 'utf8' }).trim();
}

describe.skipIf(!isPossible)('a proof by booting', { timeout: PATIENCE_MS }, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boot-e2e-'));
    await buildGuestDisk(at('guest.raw'), { ending: 'greets' });
  }, PATIENCE_MS);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  describe.each(imageFormats)('%s', (format) => {
    const image = `guest-${format}.${format}`;
    beforeAll(async () => {
      const converted = await hyperexport('convert', at('guest.raw'), at(image), '--unverified', '--quiet');
      expect(converted).toMatchObject({ code: 0 });
    }, PATIENCE_MS);

    test.each(bootFirmwares)('a guest boots with %s, and its image stays as it is', async (firmware) => {
      const before = await digestOf(at(image));
      const ended = await hyperexport('boot', at(image), '--firmware', firmware, '--memory', '512M');
      expect(ended, ended.stderr).toMatchObject({ code: 0 });
      expect(ended.stdout).toContain(`booted ("${GREETING}")`);
      expect(await digestOf(at(image))).toBe(before);
      expect(await readFile(at(`guest-${format}.boot.log`), 'utf8')).toContain(GREETING);
      expect((await readFile(at(`guest-${format}.boot.png`))).subarray(1, 4).toString()).toBe('PNG');
    });
  });

  test('a kernel that finds no root has panicked', async () => {
    await buildGuestDisk(at('panics.raw'), { ending: 'panics' });
    const ended = await hyperexport('boot', at('panics.raw'), '--firmware', 'bios', '--controller', 'sata');
    expect(ended).toMatchObject({ code: 1 });
    expect(await verdictOf('panics')).toMatchObject({
      kind: 'failed',
      reason: 'kernel-panic',
      sign: expect.stringContaining('Unable to mount root fs'),
    });
  });

  test('a boot sector of zeros is a damaged loader', async () => {
    await copyFile(at('guest.raw'), at('damaged.raw'));
    await using file = await open(at('damaged.raw'), 'r+');
    // The code, not the partition table nor the signature, which would make the firmware pass it over.
    await file.write(Buffer.alloc(440), 0, 440, 0);
    const ended = await hyperexport('boot', at('damaged.raw'), '--firmware', 'bios');
    expect(ended).toMatchObject({ code: 1 });
    expect(await verdictOf('damaged')).toMatchObject({ kind: 'failed', reason: 'damaged-loader' });
  });

  test('on a blank disk neither firmware finds anything to start', async () => {
    await writeFile(at('blank.raw'), '');
    await truncate(at('blank.raw'), 8 * MIB);
    const ended = await hyperexport('boot', at('blank.raw'));
    expect(ended).toMatchObject({ code: 1 });
    expect(ended.stderr).toMatch(/starting with BIOS[^]*starting with UEFI/);
    expect(await verdictOf('blank')).toMatchObject({ kind: 'failed', reason: 'no-boot-device' });
  });

  test('an export is proven by a flag, as the VM is described, and its receipt still holds', async () => {
    await mkdir(at('vms'));
    await copyFile(at('guest.raw'), at('vms/tiny.raw'));
    const xml = `<domain type='kvm'><name>tiny</name><memory unit='MiB'>512</memory><vcpu>1</vcpu><os firmware='efi'><type>hvm</type></os>
      <devices><disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='tiny.raw'/><target dev='vda'/></disk></devices></domain>`;
    await writeFile(at('vms/tiny.xml'), xml);
    await mkdir(at('backup'));
    const ended = await hyperexport('export', at('vms'), 'tiny', '--to', at('backup'), '--boot-proof', '--json');
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    const { exports } = JSON.parse(ended.stdout) as { readonly exports: readonly { readonly boot: unknown }[] };
    expect(exports[0]?.boot).toMatchObject({
      vm: 'tiny',
      verdict: { kind: 'booted' },
      attempts: [{ firmware: 'uefi', memory: 512 * MIB, cpus: 1 }],
      screenshot: 'disk-0.boot.png',
    });
    expect(await hyperexport('verify', at('backup/tiny'))).toMatchObject({ code: 0 });
    expect(await readdir(at('backup/tiny'))).toEqual(expect.arrayContaining(['disk-0.boot.json', 'disk-0.boot.log', 'disk-0.boot.png']));
  });

  test('an export boots that QEMU cannot open as it lies: encrypted and in volumes, for who has the key', async () => {
    const recipient = makeKey(at('key.txt'));
    await mkdir(at('closed'));
    const choices = ['--encrypt-to', recipient, '--split', '2M', '--quiet'];
    expect(await hyperexport('export', at('guest.raw'), '--to', at('closed'), ...choices)).toMatchObject({ code: 0 });
    expect(await readdir(at('closed/guest'))).toContain('disk-0.qcow2.age.002');
    const boot = ['boot', at('closed/guest'), '--firmware', 'bios', '--memory', '512M'];
    expect(await hyperexport(...boot)).toMatchObject({ code: 77, stderr: expect.stringContaining('--identity') });
    const ended = await hyperexport(...boot, '--identity', at('key.txt'));
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain(`booted ("${GREETING}")`);
  });

  test.each([
    ['in volumes', ['--split', '2M']],
    ['in an OVA', ['--format', 'ova']],
  ])('the flag boots a copy %s', async (name, choices) => {
    await mkdir(at(name));
    const ended = await hyperexport('export', at('guest.raw'), '--to', at(name), ...choices, '--boot-proof', '--json');
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(ended.stdout)).toMatchObject({ exports: [{ boot: { verdict: { kind: 'booted' } } }] });
  });

  test('whose copy will be closed is told before anything is copied that the flag cannot boot it', async () => {
    const recipient = makeKey(at('other-key.txt'));
    const ended = await hyperexport('export', at('guest.raw'), '--to', folder, '--name', 'never', '--encrypt-to', recipient, '--boot-proof');
    expect(ended).toMatchObject({ code: 64, stderr: expect.stringContaining('boot it afterwards') });
    expect(existsSync(at('never'))).toBe(false);
  });

  test.each(['SIGKILL', 'SIGINT'] as const)('a proof that is ended by %s leaves no guest behind and no half of a file', async (signal) => {
    const name = `stopped-${signal.toLowerCase()}-${basename(folder)}`;
    await copyFile(at('guest.raw'), at(`${name}.raw`));
    const { child, ended, says } = start(['boot', at(`${name}.raw`), '--expect', 'what it never says'], {
      state: at('state'),
      node: process.execPath,
    });
    await says(/starting with BIOS/);
    await expect.poll(() => guestsOf(name), { timeout: PATIENCE_MS }).not.toEqual([]);
    child.kill(signal);
    const { code } = await ended;
    expect(code).toBe(signal === 'SIGINT' ? 130 : null);
    await untilGone(name);
    expect((await readdir(folder)).filter((file) => file.startsWith(name))).toEqual([`${name}.raw`]);
  });

  test('a guest on another server boots from there, which sees only reading', async () => {
    const before = await digestOf(at('guest.raw'));
    const server = start(['serve', at('guest.raw'), '--socket', at('guest.sock'), '--export', 'tiny'], {
      state: at('state'),
      node: process.execPath,
    });
    await expect.poll(() => existsSync(at('guest.sock')), { timeout: PATIENCE_MS }).toBe(true);
    const address = `nbd+unix:///tiny?socket=${at('guest.sock')}`;
    const ended = await hyperexport('boot', address, '--firmware', 'bios', '--memory', '512M', '--evidence', folder);
    server.child.kill('SIGINT');
    await server.ended;
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain(`booted ("${GREETING}")`);
    expect(JSON.parse(await readFile(at('tiny.boot.json'), 'utf8'))).toMatchObject({ vm: address, disks: [{ file: address, format: 'raw' }] });
    expect(await digestOf(at('guest.raw'))).toBe(before);
  });

  test('where there is no emulator the proof is skipped, with the reason on record', async () => {
    const ended = await run(['boot', at('guest.raw')], { state: at('state'), env: { PATH: '/nowhere' } });
    expect(ended).toMatchObject({ code: 69 });
    expect(await verdictOf('guest')).toEqual({ kind: 'skipped', reason: expect.stringContaining('QEMU is not installed') });
  });
});
