import { MIB } from '@hypersdk/domain';
import { AT, editVhdx, type EditedVhdx } from './edit-vhdx.ts';
import type { Damage } from './hostile-vhdxs.ts';

type Row = Omit<Damage, 'make' | 'code'> & Partial<Pick<Damage, 'code'>> & { readonly edit: (image: EditedVhdx) => Uint8Array | void };
const rows = (list: readonly Row[], o: { readonly keepChecksums?: true } = {}): readonly Damage[] =>
  list.map(({ edit, code = 'image/malformed', ...expected }) => ({ ...expected, code, make: () => editVhdx(edit, o) }));

/** Both headers with one field changed. */
const headers =
  (change: (header: Buffer) => unknown) =>
  ({ both }: EditedVhdx): void =>
    both(AT.header, change);
/** Both region tables with one field changed: entries of 32 bytes begin at byte 16. */
const regions =
  (change: (table: Buffer) => unknown) =>
  ({ both }: EditedVhdx): void =>
    both(AT.regions, change);

const wrongSums: readonly Row[] = [
  {
    name: 'headers whose checksums do not match',
    message: 'neither of its two headers is sound',
    edit: headers((header) => header.writeUInt8(1, 100)),
  },
  {
    name: 'region tables whose checksums do not match',
    message: 'neither of its two region tables is sound',
    edit: regions((table) => table.writeUInt8(1, 3000)),
  },
];

const wrongFields: readonly Row[] = [
  {
    name: 'another signature',
    code: 'image/format-mismatch',
    message: 'signature of the format',
    edit: ({ bytes }) => void bytes.write('vhdyfile', 0, 'latin1'),
  },
  { name: 'a file cut short in its signature', code: 'image/format-mismatch', message: 'signature', edit: ({ bytes }) => bytes.subarray(0, 5) },
  { name: 'a file that is only a signature', message: 'neither of its two headers', edit: ({ bytes }) => bytes.subarray(0, 8) },
  {
    name: 'a file cut short behind its headers',
    message: 'log of 1048576 bytes is said to lie at byte 1048576, but the file ends at 196608',
    edit: ({ bytes }) => bytes.subarray(0, 196_608),
  },
  { name: 'headers without their signature', message: 'neither of its two headers', edit: headers((header) => header.write('hexd', 0, 'latin1')) },
  {
    name: 'two headers of one age that differ',
    message: 'neither is the newer',
    edit: ({ bytes }) => {
      bytes.writeBigUInt64LE(2n, AT.olderHeader + 8);
      bytes.writeUInt8(9, AT.olderHeader + 20);
    },
  },
  {
    name: 'an unknown version',
    code: 'image/unsupported',
    message: 'version 2 of the format',
    edit: headers((header) => header.writeUInt16LE(2, 66)),
  },
  {
    name: 'an unknown version of the log',
    code: 'image/unsupported',
    message: 'version 1 of the log',
    edit: headers((header) => header.fill(1, 48, 64).writeUInt16LE(1, 64)),
  },
  { name: 'no log', message: 'a log of 0 bytes', edit: headers((header) => header.writeUInt32LE(0, 68)) },
  { name: 'a log of half a MiB', message: 'not a whole number of MiB', edit: headers((header) => header.writeUInt32LE(MIB / 2, 68)) },
  { name: 'a log beyond the file', message: 'but the file ends at', edit: headers((header) => header.writeBigUInt64LE(2n ** 40n, 72)) },
  { name: 'a log at the end of 64 bits', message: 'but the file ends at', edit: headers((header) => header.writeBigUInt64LE(2n ** 64n - 1n, 72)) },
  { name: 'a log in the header section', message: 'where none may begin', edit: headers((header) => header.writeBigUInt64LE(0n, 72)) },
  { name: 'a log between two MiB', message: 'where none may begin', edit: headers((header) => header.writeBigUInt64LE(BigInt(MIB + 4096), 72)) },
  { name: 'a log over the metadata', message: 'its metadata region overlaps its log', edit: headers((header) => header.writeUInt32LE(2 * MIB, 68)) },
  {
    name: 'region tables without their signature',
    message: 'neither of its two region tables',
    edit: regions((table) => table.write('x', 0, 'latin1')),
  },
  {
    name: 'two region tables that differ',
    message: 'contradict each other',
    edit: ({ bytes }) => void bytes.writeUInt32LE(2 * MIB, AT.regionEntry + 24),
  },
  { name: 'regions without end', message: '4294967295 entries', edit: regions((table) => table.writeUInt32LE(0xffff_ffff, 8)) },
  { name: 'no regions', message: 'names no block allocation table', edit: regions((table) => table.writeUInt32LE(0, 8)) },
  { name: 'no metadata region', message: 'names no metadata region', edit: regions((table) => table.writeUInt32LE(1, 8)) },
  {
    name: 'an unknown region that must be understood',
    code: 'image/unsupported',
    message: 'that is not known, yet must be understood',
    edit: regions((table) => {
      table.writeUInt32LE(3, 8);
      table.fill(9, 80, 96);
      table.writeUInt32LE(1, 108);
    }),
  },
  { name: 'a region named twice', message: 'names the block allocation table twice', edit: regions((table) => table.copy(table, 48, 16, 48)) },
  { name: 'a region in the header section', message: 'behind the header section', edit: regions((table) => table.writeBigUInt64LE(0n, 32)) },
  { name: 'a region between two MiB', message: 'not whole MiB', edit: regions((table) => table.writeBigUInt64LE(BigInt(3 * MIB + 512), 32)) },
  { name: 'a region of no length', message: 'take 0 bytes', edit: regions((table) => table.writeUInt32LE(0, 40)) },
  { name: 'a region beyond the file', message: 'but the file ends at', edit: regions((table) => table.writeBigUInt64LE(2n ** 40n, 32)) },
  { name: 'a region at the end of 64 bits', message: 'not whole MiB', edit: regions((table) => table.writeBigUInt64LE(2n ** 64n - 2n ** 20n, 32)) },
  { name: 'a table over the metadata', message: 'overlaps its', edit: regions((table) => table.writeBigUInt64LE(BigInt(2 * MIB), 32)) },
  { name: 'a table over the log', message: 'overlaps its log', edit: regions((table) => table.writeBigUInt64LE(BigInt(MIB), 32)) },
];

/** What can be wrong in the header section, one field at a time. */
export const hostileHeaders: readonly Damage[] = [...rows(wrongSums, { keepChecksums: true }), ...rows(wrongFields)];
