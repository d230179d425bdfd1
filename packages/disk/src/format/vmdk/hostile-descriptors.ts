import { MIB } from '@hypersdk/domain';
import { editDescriptor, editVmdk } from './edit-vmdk.ts';
import type { HostileVmdk } from './hostile-vmdks.ts';

const EXTENT = 'RW 81920 SPARSE "disk.vmdk"';

/** Replacements in the descriptor inside a sparse disk. */
const EMBEDDED: readonly (Omit<HostileVmdk, 'bytes'> & { readonly from: string; readonly to: string })[] = [
  { name: 'a parent', from: 'parentCID=ffffffff', to: 'parentCID=12345678', code: 'image/unsupported', message: 'what changed since another disk' },
  {
    name: 'a parent by name',
    from: 'parentCID=ffffffff',
    to: 'parentCID=ffffffff\nparentFileNameHint="/etc/shadow"',
    code: 'image/refused-reference',
    message: '/etc/shadow',
  },
  { name: 'no word on parents', from: 'parentCID=ffffffff', to: '', code: 'image/malformed', message: 'whether it has a parent' },
  {
    name: 'an embedded extent in a host file',
    from: EXTENT,
    to: 'RW 81920 FLAT "/etc/passwd" 0',
    code: 'image/refused-reference',
    message: '/etc/passwd',
  },
  {
    name: 'an embedded extent in a file beside',
    from: EXTENT,
    to: 'RW 81920 FLAT "other.img" 0',
    code: 'image/refused-reference',
    message: 'other.img',
  },
  {
    name: 'a second embedded extent',
    from: EXTENT,
    to: `${EXTENT}\nRW 2048 SPARSE "other.vmdk"`,
    code: 'image/refused-reference',
    message: 'in other files',
  },
  {
    name: 'an embedded disk said to be flat',
    from: 'monolithicSparse',
    to: 'monolithicFlat',
    code: 'image/refused-reference',
    message: 'a monolithicFlat disk cannot have',
  },
  {
    name: 'a descriptor of a larger disk',
    from: EXTENT,
    to: 'RW 81921 SPARSE "disk.vmdk"',
    code: 'image/malformed',
    message: 'its descriptor says 41943552 bytes and its header 41943040',
  },
  {
    name: 'a descriptor of a smaller disk',
    from: EXTENT,
    to: 'RW 512 SPARSE "disk.vmdk"',
    code: 'image/malformed',
    message: 'its descriptor says 262144 bytes',
  },
  { name: 'an uncompressed stream', from: 'monolithicSparse', to: 'streamOptimized', code: 'image/malformed', message: 'not compressed' },
  {
    name: 'an encrypted disk',
    from: 'version=1',
    to: 'version=1\nencryptionKeys="vmware:key/list"',
    code: 'image/encrypted',
    message: 'encryptionKeys',
  },
  {
    name: 'a change-tracking file elsewhere',
    from: 'version=1',
    to: 'version=1\nchangeTrackPath="../x-ctk.vmdk"',
    code: 'image/refused-reference',
    message: '../x-ctk.vmdk',
  },
  { name: 'an unknown setting', from: 'version=1', to: 'version=1\nsidecar="x"', code: 'image/unsupported', message: 'the setting sidecar' },
  { name: 'a setting said twice', from: 'version=1', to: 'version=1\nCID=1\ncid=2', code: 'image/malformed', message: 'says cid twice' },
  { name: 'an unknown descriptor version', from: 'version=1', to: 'version=9', code: 'image/unsupported', message: 'version "9"' },
  {
    name: 'a line that is neither',
    from: 'version=1',
    to: 'version=1\n$(reboot)',
    code: 'image/malformed',
    message: 'neither a setting nor an extent',
  },
  { name: 'bytes that are not text', from: 'version=1', to: 'version=1\u0001', code: 'image/malformed', message: 'not ASCII' },
  {
    name: 'a descriptor without its title',
    from: '# Disk DescriptorFile',
    to: '# something else',
    code: 'image/malformed',
    message: 'does not begin with',
  },
];

const described = (createType: string, ...extents: readonly string[]): string =>
  ['# Disk DescriptorFile', 'version=1', 'CID=fffffffe', 'parentCID=ffffffff', `createType="${createType}"`, ...extents, ''].join('\n');

/** Descriptors that are files of their own. */
const SEPARATE: readonly (Omit<HostileVmdk, 'bytes'> & { readonly text: string })[] = [
  {
    name: 'an extent in a host file',
    text: described('monolithicFlat', 'RW 8 FLAT "/etc/passwd" 0'),
    code: 'image/refused-reference',
    message: '/etc/passwd',
  },
  {
    name: 'an extent in the folder above',
    text: described('monolithicFlat', 'RW 8 FLAT "../secret" 0'),
    code: 'image/refused-reference',
    message: '../secret',
  },
  {
    name: 'an extent that is the folder above',
    text: described('monolithicFlat', 'RW 8 FLAT ".." 0'),
    code: 'image/refused-reference',
    message: '".."',
  },
  {
    name: 'an extent on another drive',
    text: described('monolithicFlat', 'RW 8 FLAT "C:secret" 0'),
    code: 'image/refused-reference',
    message: 'C:secret',
  },
  {
    name: 'an extent beside, not allowed',
    text: described('twoGbMaxExtentSparse', 'RW 8 SPARSE "x-s001.vmdk"'),
    code: 'image/refused-reference',
    message: 'x-s001.vmdk',
  },
  { name: 'a raw device', text: described('fullDevice', 'RW 8 FLAT "/dev/sda" 0'), code: 'image/refused-reference', message: '/dev/sda' },
  { name: 'a raw device without extents', text: described('fullDevice'), code: 'image/unsupported', message: 'createType "fullDevice"' },
  { name: 'an extent of an unknown kind', text: described('custom', 'RW 8 RDM "x-rdm.vmdk"'), code: 'image/unsupported', message: 'type RDM' },
  {
    name: 'a sparse extent inside its file',
    text: described('vmfsSparse', 'RW 8 VMFSSPARSE "x-delta.vmdk" 8'),
    code: 'image/malformed',
    message: 'begins inside its file',
  },
  { name: 'no extents', text: described('monolithicFlat'), code: 'image/malformed', message: 'names no extents' },
  {
    name: 'an extent without access',
    text: described('monolithicFlat', 'NOACCESS 8 FLAT "x" 0'),
    code: 'image/unsupported',
    message: 'may not be accessed',
  },
  { name: 'an extent without length', text: described('monolithicFlat', 'RW 0 FLAT "x" 0'), code: 'image/malformed', message: 'has no length' },
  { name: 'an extent without a file', text: described('monolithicFlat', 'RW 8 FLAT'), code: 'image/malformed', message: 'names no file' },
  {
    name: 'an extent line with a tail',
    text: described('monolithicFlat', 'RW 8 FLAT "x" 0 "y"'),
    code: 'image/malformed',
    message: 'not a proper extent',
  },
  {
    name: 'an extent longer than any disk',
    text: described('monolithicFlat', 'RW 999999999999999 FLAT "x" 0'),
    code: 'image/too-large',
    message: 'limit of 64 TiB',
  },
  {
    name: 'extents that sum to too much',
    text: described('monolithicFlat', 'RW 100000000000 FLAT "x" 0', 'RW 100000000000 FLAT "y" 0'),
    code: 'image/too-large',
    message: 'sum to',
  },
  {
    name: 'two extents in one part of a file',
    text: described('twoGbMaxExtentFlat', 'RW 8 FLAT "x" 0', 'RW 8 FLAT "x" 4'),
    code: 'image/malformed',
    message: 'in the same part of the file "x"',
  },
  {
    name: 'two sparse extents in one file',
    text: described('twoGbMaxExtentSparse', 'RW 8 SPARSE "x"', 'RW 8 SPARSE "x"'),
    code: 'image/malformed',
    message: 'in the same part of the file "x"',
  },
  { name: '100,000 extents', text: described('twoGbMaxExtentFlat', 'RW 8 ZERO\n'.repeat(100_000)), code: 'image/too-large', message: 'more than' },
  {
    name: '1,000 extents',
    text: described('twoGbMaxExtentFlat', 'RW 8 ZERO\n'.repeat(1000)),
    code: 'image/too-large',
    message: 'more than 768 extents',
  },
  { name: 'a line without end', text: described('x'.repeat(5000)), code: 'image/malformed', message: 'longer than 1024 characters' },
  { name: 'a descriptor file of 2 MiB', text: described('monolithicFlat', '#'.repeat(2 * MIB)), code: 'image/too-large', message: 'over the limit' },
  { name: 'an ESX sparse extent alone', text: `COWD${'\0'.repeat(600)}`, code: 'image/unsupported', message: 'whose descriptor is another file' },
  {
    name: 'a space-efficient extent alone',
    text: `\xbe\xba\xfe\xca${'\0'.repeat(600)}`,
    code: 'image/unsupported',
    message: 'whose descriptor is another file',
  },
  { name: 'an empty file', text: '', code: 'image/malformed', message: 'begins neither with' },
  { name: 'another program’s text', text: 'Disk images are fun.', code: 'image/malformed', message: 'begins neither with' },
];

export const hostileDescriptors = (): readonly HostileVmdk[] => [
  ...EMBEDDED.map(({ from, to, ...expected }) => ({ ...expected, bytes: editVmdk('monolithicSparse', (image) => editDescriptor(image, from, to)) })),
  ...SEPARATE.map(({ text, ...expected }) => ({ ...expected, bytes: Buffer.from(text, 'latin1') })),
];
