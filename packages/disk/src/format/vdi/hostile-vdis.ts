import { GIB, MIB, TIB, type ErrorCode } from '@hypersdk/domain';
import { all, asDifferencing, editVdi, entry, u32, type VdiEdit } from './edit-vdi.ts';

/** An image that must be refused, at the latest when all of it is read, when files that it names may not be opened. */
export interface HostileVdi {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly code: ErrorCode;
  /** A part of the message. */
  readonly message: string;
}

type Damage = Omit<HostileVdi, 'bytes' | 'code'> & { readonly code?: HostileVdi['code']; readonly edit: VdiEdit };

const size =
  (bytes: bigint): VdiEdit =>
  (image) =>
    void image.writeBigUInt64LE(bytes, 368);

const HEADERS: readonly Damage[] = [
  { name: 'a header cut short', message: 'fewer than its header', edit: (bytes) => bytes.subarray(0, 400) },
  { name: 'version 0.1', code: 'image/unsupported', message: 'version 0.1 is not known', edit: u32(68, 1) },
  { name: 'version 2.0', code: 'image/unsupported', message: 'version 2.0 is not known', edit: u32(68, 0x2_0000) },
  { name: 'a header of 100 bytes', message: 'a header of 100 bytes', edit: u32(72, 100) },
  { name: 'a header of 4 GiB', message: 'the block table overlaps the header', edit: u32(72, 0xffff_ffff) },
  { name: 'an undo image', code: 'image/unsupported', message: 'an undo image', edit: u32(76, 3) },
  { name: 'an unknown type', message: 'image type 9', edit: u32(76, 9) },
  { name: 'sectors of 4096 bytes', code: 'image/unsupported', message: 'sectors of 4096 bytes', edit: u32(360, 4096) },
  { name: 'a disk of no bytes', message: 'its disk has no bytes', edit: size(0n) },
  { name: 'a disk of 65 TiB', code: 'image/too-large', message: 'above the limit', edit: size(BigInt(65 * TIB)) },
  { name: 'a disk of 2^64 - 1 bytes', code: 'image/too-large', message: 'above the limit', edit: size(2n ** 64n - 1n) },
  { name: 'a disk that its table does not cover', message: 'does not cover the disk', edit: size(BigInt(GIB)) },
  { name: 'blocks of no bytes', message: 'a block of 0 bytes', edit: u32(376, 0) },
  { name: 'blocks of 1000 bytes', message: 'a block of 1000 bytes is not a power', edit: u32(376, 1000) },
  { name: 'blocks of 512 bytes', code: 'image/unsupported', message: 'a block of 512 bytes is not between', edit: u32(376, 512) },
  { name: 'blocks of 2 GiB', code: 'image/unsupported', message: 'a block of 2147483648 bytes', edit: u32(376, 2 * GIB) },
  { name: 'blocks with something in front', code: 'image/unsupported', message: '512 bytes in front', edit: u32(380, 512) },
  { name: 'a table of no blocks', message: 'a table of 0 blocks', edit: u32(384, 0) },
  { name: 'a table of 2^32 - 1 blocks', code: 'image/too-large', message: 'over the limit of 67108864', edit: u32(384, 0xffff_ffff) },
  { name: 'a table longer than the file', message: 'the block table ends at byte', edit: u32(384, 64 * MIB) },
  { name: 'a table in the header', message: 'the block table overlaps the header', edit: u32(340, 100) },
  { name: 'a table beyond the file', message: 'past the end of the file', edit: u32(340, 0xffff_fe00) },
  { name: 'content in the header', message: 'the content begins inside the block table', edit: u32(344, 0) },
  { name: 'content in the table', message: 'the content begins inside the block table', edit: u32(344, 512) },
  { name: 'content between sectors', message: 'not aligned to a sector', edit: u32(344, MIB + 1) },
  { name: 'content beyond the file', message: 'but the file ends at', edit: u32(344, 0xffff_fe00) },
  { name: 'more blocks stored than there are', message: '10 blocks are said to be stored', edit: u32(388, 10) },
  { name: 'a dynamic disk with a parent', message: 'it names a parent', edit: (bytes) => void bytes.fill(5, 424, 440) },
];

const TABLES: readonly Damage[] = [
  { name: 'a block past the last', message: 'block 1 is said to be the 9th of the file', edit: entry(1, 9) },
  { name: 'a block of a vast number', message: 'the 4294967293th', edit: entry(1, 0xffff_fffd) },
  { name: 'a block beyond the file', message: 'block 1 is said to end at byte', edit: entry(1, 8) },
  { name: 'one block used twice', message: 'block 1 shares its bytes', edit: entry(1, 0) },
  { name: 'a table of zeros', message: 'block 1 shares its bytes', edit: (bytes) => void bytes.fill(0, 512, 548) },
  { name: 'a last block cut short', message: 'but the file ends at', edit: (bytes) => bytes.subarray(0, -1) },
  { name: 'all content cut off', message: 'but the file ends at', edit: (bytes) => bytes.subarray(0, MIB) },
  { name: 'a table cut off', message: 'past the end of the file', edit: (bytes) => bytes.subarray(0, 520) },
  { name: 'small blocks that lie beyond the file', message: 'but the file ends at', edit: all(u32(376, 256 * MIB), entry(0, 1)) },
];

const PARENTS: readonly Damage[] = [
  {
    name: 'a parent beside, not allowed',
    code: 'image/refused-reference',
    message: 'the disk 33221100-5544-7766-8899-aabbccddeeff',
    edit: asDifferencing({ parentId: '00112233445566778899aabbccddeeff' }),
  },
  { name: 'a differencing disk without a parent', message: 'does not say of which', edit: u32(76, 4) },
];

/** Malformed and malicious disks, made anew from sound ones. For tests and fuzzers. */
export const hostileVdis = (): readonly HostileVdi[] =>
  [...HEADERS, ...TABLES, ...PARENTS].map(({ edit, code = 'image/malformed', ...expected }) => ({ ...expected, code, bytes: editVdi(edit) }));
