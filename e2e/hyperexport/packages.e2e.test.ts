import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { documentOf, run, start } from './program.ts';
import { openWorkshop, range } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
const vms = workshop.path('vms');
const to = workshop.path('out');
const archive = `${to}/web-01/web-01.ova`;
await mkdir(vms);
await workshop.disk('vms/system.raw', { sizeMib: 64, dataMib: range(0, 12) });
await workshop.disk('vms/logs.raw', { sizeMib: 24, dataMib: [0, 20] });
await writeFile(
  `${vms}/web-01.xml`,
  `<domain type='kvm'><name>web-01</name><memory unit='GiB'>3</memory><vcpu>2</vcpu><os firmware='efi'/><devices>
  <disk device='disk'><driver type='raw'/><source file='system.raw'/><target dev='vda'/></disk>
  <disk device='disk'><driver type='raw'/><source file='logs.raw'/><target dev='vdb'/></disk>
  <interface type='network'><mac address='52:54:00:6b:3c:58'/><source network='a &amp; b'/></interface></devices></domain>`,
);

beforeEach(async () => {
  await rm(to, { recursive: true, force: true });
  await mkdir(to);
});

const BUSY_TIMEOUT_MS = 180_000;
const typed = async (...args: readonly string[]): Promise<unknown> => {
  const ended = await run([...args, '--json', '--quiet'], workshop);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  return documentOf(ended);
};
const exportTo = (format: string, ...more: readonly string[]): Promise<unknown> =>
  typed('export', vms, 'web-01.xml', '--to', to, '--format', format, ...more);
const exportLine = ['export', vms, 'web-01.xml', '--to', to, '--format', 'ova'];
const tool = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', cwd: to, stdio: ['ignore', 'pipe', 'pipe'] });

const digestOfDisks = (): string => tool('sh', '-c', 'tar -xOf web-01/web-01.ova disk-0.vmdk disk-1.vmdk | sha256sum');

async function appears(path: string): Promise<void> {
  const until = Date.now() + 60_000;
  while (!existsSync(path)) {
    if (Date.now() > until) throw new Error(`${path} did not appear.`);
    await delay(1);
  }
}

const VM = { name: 'web-01', cpus: 2, memory: 3 * 1024 ** 3, firmware: 'uefi', nics: [{ mac: '52:54:00:6b:3c:58', network: 'a & b' }] };

describe.skipIf(missing('tar', 'qemu-img', 'python3'))('an export as OVA', { timeout: BUSY_TIMEOUT_MS }, () => {
  test('is one archive that tar, tarfile and qemu-img read, and that lists, exports and verifies as the VM it was', async () => {
    await exportTo('ova', '--checksums', 'sha256');
    expect((await readdir(`${to}/web-01`)).toSorted()).toEqual([
      'SHA256SUMS',
      'disk-0.vmdk.leaves',
      'disk-0.vmdk.receipt.json',
      'disk-1.vmdk.leaves',
      'disk-1.vmdk.receipt.json',
      'export-manifest.json',
      'web-01.ova',
    ]);
    tool('sh', '-c', 'cd web-01 && sha256sum -c --status SHA256SUMS');
    expect(tool('tar', '-tf', archive)).toBe('web-01.ovf\nweb-01.mf\ndisk-0.vmdk\ndisk-1.vmdk\n');
    expect(tool('python3', '-c', 'import sys, tarfile; print([m.isreg() for m in tarfile.open(sys.argv[1])])', archive).trim()).toBe(
      '[True, True, True, True]',
    );
    await mkdir(`${to}/unpacked`);
    tool('tar', '-xf', archive, '-C', 'unpacked');
    tool('sh', '-c', `cd unpacked && sed -E 's/^SHA256\\((.*)\\)= (.*)/\\2  \\1/' web-01.mf | sha256sum -c --status`);
    expect(tool('qemu-img', 'compare', '-f', 'raw', '-F', 'vmdk', `${vms}/system.raw`, 'unpacked/disk-0.vmdk')).toContain('identical');
    expect(tool('qemu-img', 'compare', '-f', 'raw', '-F', 'vmdk', `${vms}/logs.raw`, 'unpacked/disk-1.vmdk')).toContain('identical');

    expect(await typed('list', archive)).toMatchObject({
      vms: [{ ...VM, id: 'web-01.ova', disks: [{ id: 'sata0:0' }, { id: 'sata0:1' }] }],
      problems: [],
    });
    expect(await typed('verify', `${to}/web-01`)).toMatchObject({ ok: true, disks: [{ receipt: 'valid' }, { receipt: 'valid' }] });
    expect(await typed('verify', archive)).toMatchObject({ ok: true, checked: ['web-01.ovf', 'disk-0.vmdk', 'disk-1.vmdk'] });
    await typed('compare', `${vms}/logs.raw`, `${archive}/disk-1.vmdk`);
    await typed('convert', `${archive}/disk-1.vmdk`, `${to}/logs.qcow2`);
    await typed('compare', `${vms}/logs.raw`, `${to}/logs.qcow2`);
    await typed('export', archive, '--to', to, '--name', 'again', '--format', 'raw');
    expect((await readFile(`${to}/again/disk-0.raw`)).equals(await readFile(`${vms}/system.raw`))).toBe(true);
  });

  test('that was killed anywhere goes on, and is the same archive at the end', async () => {
    await exportTo('ova');
    const members = digestOfDisks();
    for (const file of ['disk-0.vmdk.partial.1', 'disk-0.vmdk.receipt.json', 'web-01.ova.partial', 'web-01.ova']) {
      await rm(`${to}/web-01`, { recursive: true });
      const started = start(exportLine, workshop);
      await appears(`${to}/web-01/${file}`);
      started.child.kill('SIGKILL');
      await started.ended;
      // A run that came to its end between the two is complete, and says so.
      if (!existsSync(`${to}/web-01/export-manifest.json`)) await exportTo('ova');
      expect(digestOfDisks()).toBe(members);
      expect(await typed('verify', `${to}/web-01`)).toMatchObject({ ok: true });
      expect((await readdir(`${to}/web-01`)).filter((name) => /partial|vmdk$/.test(name))).toEqual([]);
    }
  });

  test('that was killed before its manifest takes its disks over from the archive', async () => {
    const started = start(exportLine, workshop);
    await appears(`${to}/web-01/export-journal.json`);
    const journal = await readFile(`${to}/web-01/export-journal.json`);
    expect((await started.ended).code).toBe(0);
    const { ino } = await stat(archive);
    await rm(`${to}/web-01/export-manifest.json`);
    await writeFile(`${to}/web-01/export-journal.json`, journal);
    // As if it had removed the first of the disks that are in the archive now, and not the second.
    tool('tar', '-xf', archive, '-C', 'web-01', 'disk-1.vmdk');
    expect(await exportTo('ova')).toMatchObject({ exports: [{ disks: [{ dataRead: 0 }, { dataRead: 0 }] }] });
    expect((await stat(archive)).ino).toBe(ino);
    expect(existsSync(`${to}/web-01/disk-1.vmdk`)).toBe(false);
    expect(await typed('verify', `${to}/web-01`)).toMatchObject({ ok: true });
  });

  test('damage in it is found by either verification, and named', async () => {
    await exportTo('ova');
    const bytes = await readFile(archive);
    bytes.writeUInt8((bytes.at(-4000) ?? 0) ^ 1, bytes.length - 4000);
    await writeFile(archive, bytes);
    const own = await run(['verify', `${to}/web-01`], workshop);
    expect(own).toMatchObject({ code: 1 });
    expect(own.stderr).toContain('disk-1.vmdk');
    const foreign = await run(['verify', archive], workshop);
    expect(foreign).toMatchObject({ code: 1 });
    expect(foreign.stderr).toContain('disk-1.vmdk');
    const again = await run(['export', archive, '--to', to, '--name', 'again'], workshop);
    expect(again).toMatchObject({ code: 1 });
    expect(again.stderr).toContain('disk-1.vmdk');
  });

  test.skipIf(missing('virt-v2v'))('is understood by virt-v2v', async () => {
    await exportTo('ova');
    const env = { ...process.env, LIBGUESTFS_BACKEND: 'direct' };
    const source = execFileSync('virt-v2v', ['--print-source', '-i', 'ova', archive], { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] });
    expect(source).toMatch(/source name: web-01\n/);
    expect(source).toMatch(/memory: 3221225472 \(bytes\)/);
    expect(source).toMatch(/nr vCPUs: 2\n/);
    expect(source).toMatch(/firmware: uefi/);
  });
});

describe.skipIf(missing('qemu-img'))('an export as OVF', { timeout: BUSY_TIMEOUT_MS }, () => {
  test('is a folder whose manifest holds, and that exports as the VM it was', async () => {
    await exportTo('ovf');
    expect(await readdir(`${to}/web-01`)).toEqual(expect.arrayContaining(['web-01.ovf', 'web-01.mf', 'disk-0.vmdk', 'disk-1.vmdk']));
    expect(await typed('verify', `${to}/web-01/web-01.ovf`)).toMatchObject({ ok: true, checked: ['web-01.ovf', 'disk-0.vmdk', 'disk-1.vmdk'] });
    expect(await typed('list', `${to}/web-01`)).toMatchObject({ vms: [{ ...VM, id: 'web-01.ovf' }], problems: [] });
    await typed('export', `${to}/web-01/web-01.ovf`, '--to', to, '--name', 'again', '--format', 'raw');
    expect((await readFile(`${to}/again/disk-1.raw`)).equals(await readFile(`${vms}/logs.raw`))).toBe(true);
  });

  test('takes the place of another export only when told to, and leaves nothing of it', async () => {
    await exportTo('ova');
    const refused = await run(['export', vms, 'web-01.xml', '--to', to, '--format', 'ovf'], workshop);
    expect(refused.code).toBe(73);
    await exportTo('ovf', '--overwrite');
    expect((await readdir(`${to}/web-01`)).filter((name) => name.endsWith('.ova'))).toEqual([]);
    await exportTo('qcow2', '--overwrite');
    expect((await readdir(`${to}/web-01`)).filter((name) => /\.(?:ovf|mf|vmdk)$/.test(name))).toEqual([]);
  });

  test('of another kind of VMDK is wrong usage', async () => {
    const ended = await run(['export', vms, 'web-01.xml', '--to', to, '--format', 'ovf', '--subformat', 'monolithicSparse'], workshop);
    expect(ended).toMatchObject({ code: 64 });
    expect(ended.stderr).toContain('streamOptimized');
  });
});
