import { GIB, MIB } from '@hypersdk/domain';
import { all, editVhd, HEADER, inFooters, inHeader, TABLE, type VhdEdit } from './edit-vhd.ts';
import type { HostileVhd } from './hostile-vhds.ts';

type Damage = Omit<HostileVhd, 'bytes' | 'code'> & { readonly code?: HostileVhd['code']; readonly edit: VhdEdit };

const footers = (at: number, value: bigint): VhdEdit => inFooters((footer) => void footer.writeBigUInt64BE(value, at));
const header = (at: number, value: number): VhdEdit => inHeader((bytes) => void bytes.writeUInt32BE(value, at));
const table = (value: bigint): VhdEdit => inHeader((bytes) => void bytes.writeBigUInt64BE(value, 16));
const entry =
  (index: number, sector: number | ((image: Parameters<VhdEdit>[0]) => number)): VhdEdit =>
  (image) =>
    void image.bytes.writeUInt32BE(typeof sector === 'number' ? sector : sector(image), TABLE + index * 4);

/** Headers and tables that say what cannot be, or point where they must not. */
const DAMAGES: readonly Damage[] = [
  { name: 'a header in the footer', message: 'inside the footer', edit: footers(16, 100n) },
  { name: 'a header beyond the file', message: 'the dynamic header is said to lie at byte', edit: footers(16, 2n ** 40n) },
  {
    name: 'a header that reaches into the footer',
    message: 'but its blocks end at',
    edit: (image) => footers(16, BigInt(image.footer - 1000))(image),
  },
  { name: 'a header that is none', message: 'the cookie of its dynamic header', edit: footers(16, 4096n) },
  {
    name: 'a header with a wrong checksum',
    message: 'the checksum of its dynamic header',
    edit: ({ bytes }) => void bytes.writeUInt32BE(77, HEADER + 28),
  },
  { name: 'a header of version 2', code: 'image/unsupported', message: 'dynamic header has version 2', edit: header(24, 0x2_0000) },
  { name: 'blocks of no bytes', message: 'a block of 0 bytes', edit: header(32, 0) },
  { name: 'blocks of 100 bytes', message: 'a block of 100 bytes', edit: header(32, 100) },
  { name: 'blocks of 3 MiB', message: 'is not a power of two', edit: header(32, 3 * MIB) },
  { name: 'blocks of 2 GiB', code: 'image/unsupported', message: 'is over the limit of 256 MiB', edit: header(32, 2 * GIB) },
  { name: 'a table of too few blocks', message: 'does not cover the disk', edit: header(28, 4) },
  { name: 'a disk that its table does not cover', message: 'does not cover the disk', edit: footers(48, BigInt(100 * GIB)) },
  {
    name: 'a table of 2^32 - 1 blocks',
    code: 'image/too-large',
    message: 'is over the limit of 4194304',
    edit: all(footers(48, BigInt(2040 * GIB)), header(28, 0xffff_ffff), header(32, 512)),
  },
  { name: 'a table beyond the file', message: 'the block allocation table is said to lie beyond', edit: table(2n ** 50n) },
  { name: 'a table beyond any file', message: 'the block allocation table is said to lie beyond', edit: table(2n ** 64n - 1n) },
  { name: 'a table in the header', message: 'overlaps the dynamic header', edit: table(BigInt(HEADER + 500)) },
  { name: 'a table in the footer', message: 'overlaps the footer', edit: table(8n) },
  { name: 'a table in the footer at the end', message: 'beyond the end', edit: (image) => table(BigInt(image.footer - 4))(image) },
  { name: 'a block in the footer', message: 'block 1 is said to lie at byte 0, inside the footer', edit: entry(1, 0) },
  { name: 'a block in the header', message: 'inside the dynamic header', edit: entry(1, 1) },
  { name: 'a block in the table', message: 'inside the block allocation table', edit: entry(1, TABLE / 512) },
  { name: 'a block beyond the file', message: 'block 1 is said to lie at byte', edit: entry(1, 0xffff_fffe) },
  {
    name: 'a block that reaches into the footer',
    message: 'reaches over the end of the blocks',
    edit: entry(4, ({ footer }) => footer / 512 - 4096),
  },
  { name: 'one block used twice', message: 'block 1 shares its bytes with another block', edit: entry(1, ({ first }) => first / 512) },
  { name: 'blocks that overlap by half', message: 'shares its bytes with another block', edit: entry(1, ({ first }) => first / 512 + 2000) },
  { name: 'a block that overlaps one before', message: 'shares its bytes with another block', edit: entry(3, ({ first }) => first / 512 + 1) },
  {
    name: 'blocks cut off, and the footer with them',
    message: 'reaches over the end of the blocks',
    edit: ({ bytes, second }) => bytes.subarray(0, second + 70_000),
  },
  { name: 'a footer followed by nothing', message: 'the dynamic header is said to lie', edit: ({ bytes }) => bytes.subarray(0, 600) },
];

export const hostileDynamics = (): readonly HostileVhd[] =>
  DAMAGES.map(({ edit, code = 'image/malformed', ...expected }) => ({ ...expected, code, bytes: editVhd('dynamic', edit) }));
