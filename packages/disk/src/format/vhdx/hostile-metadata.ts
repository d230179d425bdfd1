import { MIB, TIB } from '@hypersdk/domain';
import { AT, editVhdx } from './edit-vhdx.ts';
import type { Damage } from './hostile-vhdxs.ts';

/** Entries of the metadata table: 32 bytes each, for file parameters, size, identifier, logical and physical sector. */
const entry = (index: number): number => AT.metadata + 32 + index * 32;

const DAMAGES: readonly (Omit<Damage, 'make' | 'code'> & Partial<Pick<Damage, 'code'>> & { readonly edit: (bytes: Buffer) => unknown })[] = [
  {
    name: 'a metadata table without its signature',
    message: 'signature of its metadata table',
    edit: (bytes) => bytes.write('x', AT.metadata, 'latin1'),
  },
  { name: 'metadata without end', message: '65535 entries', edit: (bytes) => bytes.writeUInt16LE(65_535, AT.metadata + 10) },
  { name: 'no metadata', message: 'lacks the item fileParameters', edit: (bytes) => bytes.writeUInt16LE(0, AT.metadata + 10) },
  { name: 'no physical sector size', message: 'lacks the item physicalSectorSize', edit: (bytes) => bytes.writeUInt16LE(4, AT.metadata + 10) },
  {
    name: 'an unknown item that must be understood',
    code: 'image/unsupported',
    message: 'not known, yet must be understood',
    edit: (bytes) => bytes.fill(9, entry(4), entry(4) + 16),
  },
  {
    name: 'an item of a user that must be understood',
    code: 'image/unsupported',
    message: 'not known, yet must be understood',
    edit: (bytes) => bytes.writeUInt32LE(5, entry(4) + 24),
  },
  {
    name: 'an item named twice',
    message: 'names the item fileParameters twice',
    edit: (bytes) => bytes.copy(bytes, entry(4), entry(0), entry(0) + 16),
  },
  { name: 'an item in the table', message: 'take 8 bytes from byte 32', edit: (bytes) => bytes.writeUInt32LE(32, entry(0) + 16) },
  { name: 'an item beyond its region', message: 'from byte 4294967295', edit: (bytes) => bytes.writeUInt32LE(0xffff_ffff, entry(0) + 16) },
  { name: 'an item of 4 GiB', message: 'take 4294967295 bytes', edit: (bytes) => bytes.writeUInt32LE(0xffff_ffff, entry(0) + 20) },
  { name: 'items that share bytes', message: 'share bytes', edit: (bytes) => bytes.writeUInt32LE(65_536 + 4, entry(1) + 16) },
  { name: 'an item of another length', message: 'has 7 bytes instead of 8', edit: (bytes) => bytes.writeUInt32LE(7, entry(0) + 20) },
  { name: 'an empty item', message: 'has 0 bytes instead of 8', edit: (bytes) => bytes.writeUInt32LE(0, entry(1) + 20) },
  { name: 'blocks of 3 MiB', message: 'a block of 3145728 bytes', edit: (bytes) => bytes.writeUInt32LE(3 * MIB, AT.parameters) },
  { name: 'blocks of no bytes', message: 'a block of 0 bytes', edit: (bytes) => bytes.writeUInt32LE(0, AT.parameters) },
  { name: 'blocks of 512 KiB', message: 'a block of 524288 bytes', edit: (bytes) => bytes.writeUInt32LE(MIB / 2, AT.parameters) },
  { name: 'blocks of 2 GiB', message: 'a block of 2147483648 bytes', edit: (bytes) => bytes.writeUInt32LE(2048 * MIB, AT.parameters) },
  {
    name: 'unknown file parameters',
    code: 'image/unsupported',
    message: 'flags that are not known, 0x8',
    edit: (bytes) => bytes.writeUInt32LE(8, AT.parameters + 4),
  },
  { name: 'a parent that nothing is said of', message: 'says nothing of its parent', edit: (bytes) => bytes.writeUInt32LE(2, AT.parameters + 4) },
  { name: 'a disk of no bytes', message: 'a disk of 0 bytes', edit: (bytes) => bytes.writeBigUInt64LE(0n, AT.size) },
  { name: 'a disk of half sectors', message: 'not a whole number of sectors', edit: (bytes) => bytes.writeBigUInt64LE(1000n, AT.size) },
  {
    name: 'a disk of 65 TiB',
    code: 'image/too-large',
    message: '65 TiB is over the limit of 64 TiB',
    edit: (bytes) => bytes.writeBigUInt64LE(BigInt(65 * TIB), AT.size),
  },
  {
    name: 'a disk of 16 EiB',
    code: 'image/too-large',
    message: 'over the limit',
    edit: (bytes) => bytes.writeBigUInt64LE(2n ** 64n - 512n, AT.size),
  },
  {
    name: 'a disk larger than its table',
    message: 'has 1048576 bytes, and 67125247 entries need 537001976',
    edit: (bytes) => bytes.writeBigUInt64LE(BigInt(64 * TIB), AT.size),
  },
  { name: 'sectors of 1024 bytes', message: 'a logical sector of 1024 bytes', edit: (bytes) => bytes.writeUInt32LE(1024, AT.sectorSize) },
  { name: 'sectors of no bytes', message: 'a logical sector of 0 bytes', edit: (bytes) => bytes.writeUInt32LE(0, AT.sectorSize) },
  { name: 'physical sectors of 520 bytes', message: 'a physical sector of 520 bytes', edit: (bytes) => bytes.writeUInt32LE(520, AT.sectorSize + 4) },
];

/** What can be wrong with the metadata, one field at a time. */
export const hostileMetadata: readonly Damage[] = DAMAGES.map(({ edit, code = 'image/malformed', ...expected }) => ({
  ...expected,
  code,
  make: () => editVhdx(({ bytes }) => void edit(bytes)),
}));
