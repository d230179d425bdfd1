import { execFileSync } from 'node:child_process';
import { mkdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GIB, KIB, TIB, type ImageFormat } from '@hypersdk/domain';
import { claimVdi } from './vdi-claim.ts';
import { claimVhd } from './vhd-claim.ts';
import { Qcow2Claim } from './qcow2-claim.ts';
import { claimVmdk } from './vmdk-claim.ts';
import type { HostileCase } from './hostile-case.ts';

/** Anything shorter is cut short before it is in another format. */
const HEADER_LEAST = 72;

/** Longest file of common file systems, almost. */
const LONG = 15 * TIB;

type Expected = Pick<HostileCase, 'code' | 'message'> & Partial<Pick<HostileCase, 'format' | 'references'>>;

/** Files that no image format made: pipes, devices, folders, links, files in the wrong format, and sizes that cost whoever believes them. */
export async function prepareStrangers(folder: string): Promise<readonly HostileCase[]> {
  await mkdir(folder);
  const at = (name: string): string => join(folder, name);
  const cases: HostileCase[] = [];
  const expect = (name: string, path: string, expected: Expected): void => {
    cases.push({ name, path, format: 'raw', references: 'refuse', ...expected });
  };
  await addNodes({ at, expect });
  await addMismatches({ at, expect });
  await addClaims({ at, expect });
  await addLinkedReferences({ at, expect });
  return cases;
}

interface Bench {
  readonly at: (name: string) => string;
  readonly expect: (name: string, path: string, expected: Expected) => void;
}

const notRegular: Expected = { code: 'source/not-a-file', message: 'is not a regular file' };
const formats: readonly ImageFormat[] = ['raw', 'qcow2', 'vmdk', 'vhdx', 'vhd', 'vdi'];

async function addNodes({ at, expect }: Bench): Promise<void> {
  execFileSync('mkfifo', [at('pipe')]);
  await mkdir(at('folder'));
  await symlink('/dev/zero', at('link-to-device'));
  await symlink('absent', at('link-to-nothing'));
  await symlink('ring', at('ring'));
  await writeFile(at('file'), 'x');
  for (const format of formats) {
    expect(`a pipe as ${format}`, at('pipe'), { ...notRegular, format });
    expect(`a device as ${format}`, '/dev/zero', { ...notRegular, format });
    expect(`a folder as ${format}`, at('folder'), { ...notRegular, format });
  }
  expect('a link to a device', at('link-to-device'), notRegular);
  expect('a link to nothing', at('link-to-nothing'), { code: 'source/not-found', message: 'no such file' });
  expect('a link to itself', at('ring'), { code: 'source/unreadable', message: 'symbolic link' });
  expect('no file', at('absent'), { code: 'source/not-found', message: 'no such file' });
  expect('a file inside a file', at('file/disk.raw'), { code: 'source/not-found', message: 'not a folder' });
}

async function addMismatches({ at, expect }: Bench): Promise<void> {
  const heads: Readonly<Record<string, Uint8Array>> = {
    zeros: Buffer.alloc(64 * KIB),
    text: Buffer.from('Disk images are fun.\n'.repeat(100)),
    'a boot sector': Buffer.concat([Buffer.alloc(510), Buffer.from([0x55, 0xaa])]),
    'a qcow2 image': new Qcow2Claim().bytes,
    'a VMDK image': claimVmdk({}),
    'a qcow2 image behind a sector': Buffer.concat([Buffer.alloc(512), new Qcow2Claim().bytes]),
    'one byte': Buffer.from('Q'),
    nothing: Buffer.alloc(0),
  };
  for (const [name, bytes] of Object.entries(heads)) {
    const path = at(`head-${name.replaceAll(' ', '-')}`);
    await writeFile(path, bytes);
    if (name !== 'a qcow2 image')
      expect(`${name} named as qcow2`, path, {
        code: bytes.length < HEADER_LEAST ? 'image/malformed' : 'image/format-mismatch',
        message: 'is refused as qcow2',
        format: 'qcow2',
      });
    expect(`${name} named as VHDX`, path, { code: 'image/format-mismatch', message: 'is refused as vhdx', format: 'vhdx' });
    const vhd = bytes.length < 512 ? 'image/malformed' : 'image/format-mismatch';
    expect(`${name} named as VHD`, path, { code: vhd, message: 'is refused as vhd', format: 'vhd' });
    const vdi = bytes.length < 456 ? 'image/malformed' : 'image/format-mismatch';
    expect(`${name} named as VDI`, path, { code: vdi, message: 'is refused as vdi', format: 'vdi' });
    if (name !== 'a VMDK image') expect(`${name} named as VMDK`, path, { code: 'image/malformed', message: 'is refused as vmdk', format: 'vmdk' });
  }
}

/** Headers at the start of files as long as a file can be, or that say so. */
async function addClaims({ at, expect }: Bench): Promise<void> {
  const write = async (name: string, bytes: Uint8Array, length = bytes.length): Promise<string> => {
    await writeFile(at(name), bytes);
    await truncate(at(name), length);
    return at(name);
  };
  const qcow2 = (code: string, message: string): Expected => ({ code, message, format: 'qcow2' });
  const vmdk = (code: string, message: string): Expected => ({ code, message, format: 'vmdk' });
  const vhdx = (code: string, message: string): Expected => ({ code, message, format: 'vhdx' });
  const vhd = (code: string, message: string): Expected => ({ code, message, format: 'vhd' });
  const vdi = (code: string, message: string): Expected => ({ code, message, format: 'vdi' });
  const claims: readonly (readonly [string, Uint8Array, number, Expected])[] = [
    ['a qcow2 disk of 65 TiB', new Qcow2Claim({ virtualSize: 65n * BigInt(TIB) }).bytes, LONG, qcow2('image/too-large', 'limit')],
    ['a qcow2 disk of 8 EiB', new Qcow2Claim({ virtualSize: 2n ** 63n }).bytes, LONG, qcow2('image/too-large', '')],
    [
      'a qcow2 L1 table of 4 Gi entries',
      new Qcow2Claim({ l1Count: 0xffff_ffff }).bytes,
      LONG,
      qcow2('image/malformed', 'an L1 table of 4294967295 entries'),
    ],
    [
      'a qcow2 with every L1 entry at one L2 table',
      new Qcow2Claim({ virtualSize: BigInt(TIB), l1Count: 2048 }).shareOneTable().bytes,
      GIB,
      qcow2('image/malformed', ''),
    ],
    ['a VHDX of nothing but its signature', Buffer.from('vhdxfile'), LONG, vhdx('image/malformed', 'neither of its two headers')],
    ['a VHD of 2041 GiB', claimVhd({ virtualSize: 2041 * GIB }), LONG, vhd('image/too-large', 'over the limit')],
    ['a VHD whose table is a hole', claimVhd({ virtualSize: 2040 * GIB }), LONG, vhd('image/malformed', 'block 0 is said to lie at byte 0')],
    ['a VDI of 65 TiB', claimVdi({ virtualSize: 65 * TIB }), LONG, vdi('image/too-large', 'above the limit')],
    ['a VDI whose table is a hole', claimVdi({ virtualSize: 64 * TIB }), LONG, vdi('image/malformed', 'block 1 shares its bytes')],
    ['a VMDK of 65 TiB', claimVmdk({ capacity: (65 * TIB) / 512 }), LONG, vmdk('image/too-large', '64 TiB')],
    ['a VMDK with a descriptor of 1 TiB', claimVmdk({ descriptorSectors: TIB / 512 }), LONG, vmdk('image/too-large', 'descriptor')],
    ['a VMDK descriptor of 15 TiB', Buffer.from('# Disk DescriptorFile\nversion=1\n'), LONG, vmdk('image/too-large', 'descriptor')],
    ['a VMDK with every directory entry at one table', claimVmdk({ capacity: TIB / 512, shareOneTable: true }), GIB, vmdk('image/malformed', '')],
  ];
  for (const [index, [name, bytes, length, expected]] of claims.entries()) expect(name, await write(`claim-${index}`, bytes, length), expected);
}

/** Names beside the image that are allowed, and lead elsewhere all the same. */
async function addLinkedReferences({ at, expect }: Bench): Promise<void> {
  const base = async (name: string, target: string | undefined): Promise<string> => {
    await mkdir(at(name));
    await writeFile(join(at(name), 'disk.qcow2'), new Qcow2Claim().withBacking('base.raw', 'raw').bytes);
    if (target !== undefined) await symlink(target, join(at(name), 'base.raw'));
    return join(at(name), 'disk.qcow2');
  };
  const beside = (code: string, message: string): Expected => ({ code, message, format: 'qcow2', references: 'beside' });
  expect('a base that is a link to a host file', await base('link-out', '/etc/passwd'), beside('source/unreadable', 'symbolic link'));
  expect('a base that is a link to a device', await base('link-device', '/dev/zero'), beside('source/unreadable', 'symbolic link'));
  expect('a base that is not there', await base('absent-base', undefined), beside('source/not-found', 'base.raw'));
  const pipe = await base('pipe-base', undefined);
  execFileSync('mkfifo', [join(at('pipe-base'), 'base.raw')]);
  expect('a base that is a pipe', pipe, beside('source/not-a-file', 'not a regular file'));
  const folder = await base('folder-base', undefined);
  await mkdir(join(at('folder-base'), 'base.raw'));
  expect('a base that is a folder', folder, beside('source/not-a-file', 'not a regular file'));
  expect(
    'a chain of 30 images',
    await makeChain(at('long-chain'), { length: 30, last: '30.qcow2' }),
    beside('image/refused-reference', 'chain of more than'),
  );
  expect(
    'two images on each other',
    await makeChain(at('ring-chain'), { length: 2, last: '0.qcow2' }),
    beside('image/refused-reference', 'in its own chain'),
  );
}

/** Images that each name the next as their base; the last one names `last`. */
async function makeChain(folder: string, { length, last }: { readonly length: number; readonly last: string }): Promise<string> {
  await mkdir(folder);
  for (let index = 0; index < length; index += 1) {
    const below = index + 1 === length ? last : `${index + 1}.qcow2`;
    await writeFile(join(folder, `${index}.qcow2`), new Qcow2Claim().withBacking(below, 'qcow2').bytes);
  }
  return join(folder, '0.qcow2');
}
