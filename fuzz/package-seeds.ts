import { readFileSync } from 'node:fs';
import { buildTar, paxHeader, paxRecord, sealHeader } from '../packages/disk/src/archive/build-tar.ts';
import { damage } from './damage.ts';
import type { Random } from './random.ts';
import type { PackagePart } from './read-package.ts';

export interface PackageSeed {
  readonly part: PackagePart;
  readonly bytes: Uint8Array;
}

const BLOCK_SIZE = 512;
const fixture = (name: string): Uint8Array => readFileSync(new URL(`../packages/providers/src/files/fixtures/${name}`, import.meta.url));
const MANIFEST = `SHA256(vm.ovf)= ${'ab'.repeat(32)}\nSHA1(disk.vmdk)= ${'cd'.repeat(20)}\n`;

export const packageSeeds: readonly [PackageSeed, ...PackageSeed[]] = [
  {
    part: 'archive',
    bytes: buildTar({ name: 'vm.ovf', content: 'x'.repeat(700) }, { name: 'vm.mf', content: 'y' }, { name: 'disk.vmdk', content: 'z'.repeat(2000) }),
  },
  {
    part: 'archive',
    bytes: buildTar(
      paxHeader(paxRecord('path', 'vm one.ovf'), paxRecord('size', '5'), paxRecord('mtime', '1.5')),
      { name: 'vm.ovf', content: '<a/>\n' },
      { name: '././@LongLink', type: 'L', content: `${'n'.repeat(150)}\0` },
      { name: 'n', content: 'z' },
    ),
  },
  { part: 'descriptor', bytes: fixture('vmware.ovf') },
  { part: 'descriptor', bytes: fixture('virtualbox.ovf') },
  { part: 'manifest', bytes: Buffer.from(MANIFEST) },
  {
    part: 'certificate',
    bytes: Buffer.from(`SHA256(vm.mf)= ${'0a'.repeat(256)}\n-----BEGIN CERTIFICATE-----\n${'QUJD'.repeat(200)}\n-----END CERTIFICATE-----\n`),
  },
];

/** Damage; of an archive the headers get a right checksum afterwards, mostly, or nothing behind it would ever be reached. */
export function damagePackage({ part, bytes }: PackageSeed, random: Random): Uint8Array {
  const damaged = Buffer.from(damage(bytes, random));
  if (part !== 'archive') return random.below(2) === 0 ? damageText(damaged, random) : damaged;
  if (random.below(4) === 0) return damaged;
  for (let at = 0; at + BLOCK_SIZE <= damaged.length; at += BLOCK_SIZE) {
    const block = damaged.subarray(at, at + BLOCK_SIZE);
    if (block.toString('latin1', 257, 262) === 'ustar') sealHeader(block);
  }
  return damaged;
}

/** Cuts a piece out, or puts one in twice: documents break at their joints. */
function damageText(bytes: Buffer, random: Random): Uint8Array {
  const from = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, from + random.below(200));
  const at = random.below(bytes.length + 1);
  return random.below(2) === 0
    ? Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
    : Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, to), bytes.subarray(at)]);
}
