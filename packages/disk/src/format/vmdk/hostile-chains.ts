import { describeDisk } from './build-chain.ts';
import { editDescriptor, editVmdk } from './edit-vmdk.ts';
import type { HostileVmdk } from './hostile-vmdks.ts';

/** A delta of 40 MiB in one file, over a parent of that name. */
const over = (name: string, id = '12345678'): Uint8Array =>
  editVmdk('monolithicSparse', (image) => editDescriptor(image, 'parentCID=ffffffff', `parentCID=${id}\nparentFileNameHint="${name}"`));

const SOUND: Readonly<Record<string, Uint8Array>> = {
  'base.vmdk': describeDisk({ kind: 'monolithicFlat', id: '12345678', extents: ['RW 81920 ZERO'] }),
};

/** Disks over each other, more than anybody makes. */
const deep = (): Readonly<Record<string, Uint8Array>> =>
  Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [
      `${at}.vmdk`,
      describeDisk({ kind: 'monolithicFlat', id: '12345678', parent: { id: '12345678', name: `${at + 1}.vmdk` }, extents: ['RW 81920 ZERO'] }),
    ]),
  );

/** What a delta may say of the disk below it. */
export const hostileChains = (): readonly HostileVmdk[] => [
  {
    name: 'a parent beside, not allowed',
    bytes: over('base.vmdk'),
    code: 'image/refused-reference',
    message: 'holds only what changed since another disk, "base.vmdk"',
  },
  { name: 'a parent in a host file', bytes: over('/etc/shadow'), code: 'image/refused-reference', message: '/etc/shadow' },
  { name: 'a parent in the folder above', bytes: over('../base.vmdk'), code: 'image/refused-reference', message: '../base.vmdk' },
  { name: 'a parent on another drive', bytes: over('C:base.vmdk'), code: 'image/refused-reference', message: 'C:base.vmdk' },
  { name: 'a parent without a name', bytes: over(''), code: 'image/unsupported', message: 'which it does not name' },
  { name: 'a parent whose content id is none', bytes: over('base.vmdk', 'zz'), code: 'image/malformed', message: 'content id of a parent' },
  {
    name: 'a parent that was changed since',
    bytes: over('base.vmdk', '99'),
    beside: SOUND,
    code: 'image/unsupported',
    message: 'its content id is 12345678, and not 99',
  },
  {
    name: 'a parent that is no disk',
    bytes: over('base.vmdk'),
    beside: { 'base.vmdk': Buffer.from('Disk images are fun.') },
    code: 'image/malformed',
    message: 'begins neither with',
  },
  { name: 'a parent that is the disk itself', bytes: over('disk.vmdk'), beside: {}, code: 'image/refused-reference', message: 'is in its own chain' },
  {
    name: 'two disks that are each other’s parent',
    bytes: over('other.vmdk'),
    beside: { 'other.vmdk': over('disk.vmdk') },
    code: 'image/refused-reference',
    message: 'is in its own chain',
  },
  { name: 'a chain without end', bytes: over('0.vmdk'), beside: deep(), code: 'image/refused-reference', message: 'a chain of more than 32 disks' },
];
