import { TIB } from '@hypersdk/domain';
import { editDescriptor, editVmdk, type EditedVmdk } from './edit-vmdk.ts';
import type { HostileVmdk } from './hostile-vmdks.ts';

const sectors = (bytes: number): bigint => BigInt(bytes / 512);

/** What can be wrong with the header of a sparse extent, one field at a time. */
const DAMAGES: readonly (Omit<HostileVmdk, 'bytes'> & { readonly edit: (image: EditedVmdk) => Uint8Array | void })[] = [
  { name: 'a header cut short', code: 'image/malformed', message: 'shorter than a header', edit: ({ bytes }) => bytes.slice(0, 100) },
  { name: 'an unknown version', code: 'image/unsupported', message: 'version 4 of sparse extents', edit: ({ view }) => view.setUint32(4, 4, true) },
  { name: 'an unknown flag', code: 'image/unsupported', message: 'flags 0x100003', edit: ({ view }) => view.setUint32(8, 0x10_0003, true) },
  {
    name: 'line ends changed by a text transfer',
    code: 'image/malformed',
    message: 'transfer in text mode',
    edit: ({ bytes }) => void bytes.fill(10, 75, 76),
  },
  { name: 'a capacity of zero', code: 'image/malformed', message: 'its capacity is zero', edit: ({ view }) => view.setBigUint64(12, 0n, true) },
  {
    name: 'a capacity of more than 64 bits',
    code: 'image/malformed',
    message: 'beyond the end of any file',
    edit: ({ view }) => view.setBigUint64(12, 2n ** 60n, true),
  },
  {
    name: 'a capacity of 65 TiB',
    code: 'image/too-large',
    message: '65 TiB is over the limit of 64 TiB',
    edit: ({ view }) => view.setBigUint64(12, sectors(65 * TIB), true),
  },
  { name: 'a grain of 100 sectors', code: 'image/malformed', message: 'not a power of two', edit: ({ view }) => view.setBigUint64(20, 100n, true) },
  { name: 'a grain of no sectors', code: 'image/malformed', message: 'not a power of two', edit: ({ view }) => view.setBigUint64(20, 0n, true) },
  { name: 'a grain of 2 KiB', code: 'image/unsupported', message: 'a grain of 2048 bytes', edit: ({ view }) => view.setBigUint64(20, 4n, true) },
  {
    name: 'a grain of 2 GiB',
    code: 'image/unsupported',
    message: 'a grain of 2147483648 bytes',
    edit: ({ view }) => view.setBigUint64(20, 2n ** 22n, true),
  },
  {
    name: 'grain tables of 2^32 entries',
    code: 'image/unsupported',
    message: '4294967295 entries',
    edit: ({ view }) => view.setUint32(44, 0xffff_ffff, true),
  },
  { name: 'grain tables without entries', code: 'image/unsupported', message: 'have 0 entries', edit: ({ view }) => view.setUint32(44, 0, true) },
  {
    name: 'a directory beyond the file',
    code: 'image/malformed',
    message: 'grain directory is said to lie',
    edit: ({ view }) => view.setBigUint64(56, 2n ** 40n, true),
  },
  {
    name: 'a directory inside the header',
    code: 'image/malformed',
    message: 'grain directory overlaps its header',
    edit: ({ view }) => view.setBigUint64(56, 0n, true),
  },
  {
    name: 'a directory inside the descriptor',
    code: 'image/malformed',
    message: 'grain directory overlaps its descriptor',
    edit: ({ view }) => view.setBigUint64(56, 3n, true),
  },
  {
    name: 'both directories in one place',
    code: 'image/malformed',
    message: 'overlaps its grain directory',
    edit: ({ view }) => view.setBigUint64(48, view.getBigUint64(56, true), true),
  },
  {
    name: 'a directory of 2^25 entries',
    code: 'image/too-large',
    message: 'entries is over the limit of 2097152',
    edit: (image) => {
      image.view.setBigUint64(12, sectors(64 * TIB), true);
      image.view.setBigUint64(20, 8n, true);
      editDescriptor(image, 'RW 81920', `RW ${sectors(64 * TIB)}`);
    },
  },
  {
    name: 'more metadata than file',
    code: 'image/malformed',
    message: 'metadata alone takes',
    edit: ({ view }) => view.setBigUint64(64, 2n ** 30n, true),
  },
  { name: 'an unknown compression', code: 'image/unsupported', message: 'compression algorithm 2', edit: ({ view }) => view.setUint16(77, 2, true) },
  {
    name: 'compression without its flag',
    code: 'image/malformed',
    message: 'contradict each other',
    edit: ({ view }) => view.setUint16(77, 1, true),
  },
  {
    name: 'compression without markers',
    code: 'image/unsupported',
    message: 'come only together',
    edit: ({ view }) => {
      view.setUint32(8, 0x1_0003, true);
      view.setUint16(77, 1, true);
    },
  },
  { name: 'a descriptor of 2 MiB', code: 'image/too-large', message: 'descriptor of 2 MiB', edit: ({ view }) => view.setBigUint64(36, 4096n, true) },
  {
    name: 'a descriptor beyond the file',
    code: 'image/malformed',
    message: 'ends at byte',
    edit: ({ view }) => view.setBigUint64(28, 2n ** 30n, true),
  },
  { name: 'a descriptor in the header', code: 'image/malformed', message: 'not ASCII', edit: ({ view }) => view.setBigUint64(28, 0n, true) },
  {
    name: 'an extent without its descriptor',
    code: 'image/unsupported',
    message: 'one extent of a disk',
    edit: ({ view }) => view.setBigUint64(36, 0n, true),
  },
  {
    name: 'a footer where none can be',
    code: 'image/malformed',
    message: 'only stream-optimized',
    edit: ({ view }) => view.setBigUint64(56, 2n ** 64n - 1n, true),
  },
  { name: 'a header followed by nothing', code: 'image/malformed', message: 'ends at byte 512', edit: ({ bytes }) => bytes.slice(0, 512) },
];

export const hostileHeaders = (): readonly HostileVmdk[] =>
  DAMAGES.map(({ edit, ...expected }) => ({ ...expected, bytes: editVmdk('monolithicSparse', edit) }));
