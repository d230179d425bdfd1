import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, copyFile, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageInspector, openTransfer } from '@hypersdk/disk';
import { MIB, toDiskId, toVMId, type VMInfo } from '@hypersdk/domain';
import { calm, expectRefusal, missing } from '@hypersdk/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { filesProvider } from '../files-provider.ts';
import { buildOvf, item } from './build-ovf.ts';
import { checkPackageAt } from './check-package.ts';

const provider = filesProvider(imageInspector);
const DISKS = ['vm-disk1.vmdk', 'vm-disk2.vmdk'];

let folder = '';
let problems: string[] = [];
const at = (...parts: readonly string[]): string => join(folder, ...parts);
const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'hypersdk-ovf-')));
  problems = [];
});
afterEach(() => rm(folder, { recursive: true }));

const DESCRIPTOR = buildOvf({
  name: 'vm one',
  files: DISKS.map((name, index) => `<File ovf:id="file${index}" ovf:href="${name}"/>`).join(''),
  disks: DISKS.map(
    (_, index) =>
      `<Disk ovf:diskId="d${index}" ovf:fileRef="file${index}" ovf:capacity="8" ovf:capacityAllocationUnits="byte * 2^20" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>`,
  ).join(''),
  hardware:
    item({ InstanceID: 1, ResourceType: 3, VirtualQuantity: 2 }) +
    item({ InstanceID: 3, ResourceType: 6, Address: 0 }) +
    DISKS.map((_, index) =>
      item({ InstanceID: 4 + index, ResourceType: 17, HostResource: `/disk/d${index}`, Parent: 3, AddressOnParent: index }),
    ).join(''),
});

/** Descriptor, two disks of 8 MiB with different content, manifest. */
async function makePackage(): Promise<void> {
  await writeFile(at('vm.ovf'), DESCRIPTOR);
  for (const [index, name] of DISKS.entries()) {
    const content = Buffer.alloc(8 * MIB);
    content.fill(`disk ${index} `, MIB, 2 * MIB);
    await writeFile(at('content'), content);
    run('qemu-img', 'convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized', 'content', name);
  }
  await rm(at('content'));
  await writeManifest();
}

async function writeManifest(): Promise<void> {
  const lines = [];
  for (const name of ['vm.ovf', ...DISKS])
    lines.push(
      `SHA256(${name})= ${createHash('sha256')
        .update(await readFile(at(name)))
        .digest('hex')}\n`,
    );
  await writeFile(at('vm.mf'), lines.join(''));
}

const MEMBERS = ['vm.ovf', 'vm.mf', ...DISKS];

async function pack(name: string, ...args: readonly string[]): Promise<string> {
  await mkdir(at('out'), { recursive: true });
  run('tar', ...args, '-cf', `out/${name}`, ...MEMBERS);
  return at('out', name);
}

async function list(path: string): Promise<VMInfo[]> {
  await using session = await provider.open(provider.parse({ path }), calm);
  return await Array.fromAsync(session.facets.inventory.list({ ...calm, onProblem: (problem) => problems.push(problem) }));
}

async function leaseOf(path: string, id: string, disks?: readonly string[]) {
  const session = await provider.open(provider.parse({ path }), calm);
  return session.facets.diskExport.open(toVMId(id), { ...calm, ...(disks ? { disks: disks.map(toDiskId) } : {}) });
}

describe.skipIf(missing('qemu-img', 'tar', 'openssl'))('packages made by qemu-img and tar', { timeout: 120_000 }, () => {
  beforeEach(makePackage);

  test.each(['ustar', 'gnu', 'pax', 'oldgnu'])('an archive in the format %s is a VM with its disks', async (format) => {
    const path = await pack('vm.ova', `--format=${format}`);
    const [vm, ...others] = await list(path);
    expect(others).toEqual([]);
    expect(vm).toMatchObject({ id: 'vm.ova', name: 'vm one', cpus: 2, provider: 'files' });
    expect(vm?.disks.map(({ id, label, virtualSize, format: found, location }) => [id, label, virtualSize, found, location])).toEqual([
      ['scsi0:0', 'vm-disk1.vmdk', 8 * MIB, 'vmdk', `${path}/vm-disk1.vmdk`],
      ['scsi0:1', 'vm-disk2.vmdk', 8 * MIB, 'vmdk', `${path}/vm-disk2.vmdk`],
    ]);
    expect(problems).toEqual([]);
  });

  test('a folder with a descriptor is one VM, and its disks are no VMs of their own', async () => {
    expect((await list(folder)).map(({ id, disks }) => [id, disks.length])).toEqual([['vm.ovf', 2]]);
    expect(problems).toEqual([]);
  });

  test('disks are copied out of the archive as qemu-img reads them beside it, and each has a mark of its own', async () => {
    const path = await pack('vm.ova');
    await using lease = await leaseOf(path, 'vm.ova');
    expect(new Set(lease.disks.map(({ mark }) => mark)).size).toBe(2);
    await using transfer = openTransfer({ workers: 2 });
    for (const [index, { locator, mark }] of lease.disks.entries()) {
      for (const digest of ['tree', 'none'] as const) {
        const target = at(`copy-${index}-${digest}.raw`);
        const settings = { format: 'raw' } as const;
        await transfer.copy(
          {
            source: locator,
            sourceMark: mark,
            path: target,
            settings,
            digest,
            durability: 'none',
            verifyPercent: 100,
            overwrite: false,
            restart: false,
          },
          calm,
        );
        expect(run('qemu-img', 'compare', '-f', 'vmdk', '-F', 'raw', DISKS[index] ?? '', target)).toContain('Images are identical');
      }
    }
    await lease.check(calm);
    await appendFile(path, 'x');
    await expectRefusal(lease.check(calm), 'source/changed');
  });

  test('a raw disk in an archive is copied plainly from its place in it', async () => {
    await writeFile(at('plain.img'), Buffer.alloc(3 * MIB, 'plain'));
    const text = buildOvf({ files: '<File ovf:id="file1" ovf:href="plain.img"/>' });
    await writeFile(at('p.ovf'), text);
    run('tar', '-cf', 'p.ova', 'p.ovf', 'plain.img');
    const image = await imageInspector.refer(at('p.ova'), { ...calm, references: 'refuse' });
    await using transfer = openTransfer({ workers: 1 });
    for (const effort of ['throughput', 'economy'] as const) {
      const path = at(`${effort}.raw`);
      const settings = { format: 'raw' } as const;
      const sourceMark = await imageInspector.mark(image, calm);
      const how = { digest: 'none', durability: 'none', verifyPercent: 100, overwrite: false, restart: false, effort } as const;
      await transfer.copy({ source: { kind: 'image', image }, sourceMark, path, settings, ...how }, calm);
      expect((await readFile(path)).equals(await readFile(at('plain.img')))).toBe(true);
    }
  });

  test('a disk that is not what the manifest says is an error that names it, in an archive and beside a descriptor', async () => {
    const bytes = await readFile(at('vm-disk2.vmdk'));
    bytes.writeUInt8((bytes.at(-600) ?? 0) ^ 1, bytes.length - 600);
    await writeFile(at('vm-disk2.vmdk'), bytes);
    const path = await pack('vm.ova');
    await expect(leaseOf(path, 'vm.ova')).rejects.toMatchObject({ code: 'package/mismatch', detail: { file: 'vm-disk2.vmdk' } });
    await expect(leaseOf(folder, 'vm.ovf')).rejects.toMatchObject({ code: 'package/mismatch', detail: { file: 'vm-disk2.vmdk' } });
    await using lease = await leaseOf(path, 'vm.ova', ['scsi0:0']);
    expect(lease.disks).toHaveLength(1);
  });

  test('a descriptor that was changed, and a file that the manifest does not name, are no better', async () => {
    await appendFile(at('vm.ovf'), '<!-- changed -->');
    await expectRefusal(leaseOf(folder, 'vm.ovf'), 'package/mismatch');
    await writeManifest();
    await writeFile(at('vm.mf'), (await readFile(at('vm.mf'), 'utf8')).replace(/.*disk2.*\n/, ''));
    await expectRefusal(leaseOf(folder, 'vm.ovf'), 'package/mismatch');
    await expect(checkPackageAt(at('vm.ovf'), calm)).rejects.toMatchObject({ code: 'package/mismatch', detail: { file: 'vm-disk2.vmdk' } });
    await expect(checkPackageAt(await pack('vm.ova'), calm)).rejects.toMatchObject({ detail: { file: 'vm-disk2.vmdk' } });
  });

  test('a disk that is missing is named, and the VM is not whole', async () => {
    await rm(at('vm-disk2.vmdk'));
    expect((await list(folder)).map(({ disks }) => disks.length)).toEqual([1]);
    expect(problems).toEqual(['"vm.ovf": the disk scsi0:1 ("vm-disk2.vmdk") is not in this folder.']);
    await expectRefusal(leaseOf(folder, 'vm.ovf'), 'source/not-found');
  });

  test('a link out of the folder in place of a disk is not followed', async () => {
    await copyFile(at('vm-disk2.vmdk'), join(tmpdir(), 'hypersdk-outside.vmdk'));
    await rm(at('vm-disk2.vmdk'));
    await symlink(join(tmpdir(), 'hypersdk-outside.vmdk'), at('vm-disk2.vmdk'));
    expect((await list(folder)).map(({ disks }) => disks.length)).toEqual([1]);
    await rm(join(tmpdir(), 'hypersdk-outside.vmdk'));
  });

  test.each(['sha1', 'sha256', 'sha512'])('a signature by %s is checked, and the signer is told', async (hash) => {
    run(
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'key.pem',
      '-out',
      'cert.pem',
      '-days',
      '2',
      '-subj',
      '/O=Example/CN=packer',
    );
    run('openssl', 'dgst', `-${hash}`, '-sign', 'key.pem', '-out', 'signature', 'vm.mf');
    const signature = (await readFile(at('signature'))).toString('hex');
    await writeFile(at('vm.cert'), `${hash.toUpperCase()}(vm.mf)= ${signature}\n${await readFile(at('cert.pem'), 'utf8')}`);
    const report = await checkPackageAt(at('vm.ovf'), calm);
    expect(report).toMatchObject({ checked: ['vm.ovf', ...DISKS], hasManifest: true, signer: { subject: 'O=Example, CN=packer' } });

    await appendFile(at('vm.ovf'), ' ');
    await writeManifest();
    await expectRefusal(checkPackageAt(at('vm.ovf'), calm), 'package/untrusted');
    await rm(at('vm.mf'));
    await expectRefusal(checkPackageAt(at('vm.ovf'), calm), 'package/missing-file');
  });

  test('a disk in an archive is named like a file in a folder, and one alone by the archive', async () => {
    const path = await pack('vm.ova');
    const refer = (name: string) => imageInspector.refer(name, { ...calm, references: 'beside' });
    expect(await refer(`${path}/vm-disk2.vmdk`)).toMatchObject({ path, format: 'vmdk', references: 'refuse', slice: {} });
    await expectRefusal(refer(path), 'usage/invalid');
    await expectRefusal(refer(`${path}/other.vmdk`), 'source/not-found');
    run('tar', '-cf', 'one.ova', 'vm.ovf', 'vm-disk1.vmdk');
    const info = await imageInspector.inspect(await refer(at('one.ova')), calm);
    expect(info).toMatchObject({ format: 'vmdk', virtualSize: 8 * MIB, fileSize: (await readFile(at('vm-disk1.vmdk'))).length });
    run('tar', '-cf', 'wrong.ova', 'vm-disk1.vmdk', 'vm.ovf');
    await expectRefusal(refer(at('wrong.ova')), 'archive/not-an-ova');
  });
});
