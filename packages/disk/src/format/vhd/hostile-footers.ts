import { GIB } from '@hypersdk/domain';
import { all, editVhd, inCopy, inFooter, inFooters, type VhdEdit } from './edit-vhd.ts';
import type { HostileVhd } from './hostile-vhds.ts';

type Damage = Omit<HostileVhd, 'bytes' | 'code'> & { readonly code?: HostileVhd['code']; readonly of: 'fixed' | 'dynamic'; readonly edit: VhdEdit };

const u32 = (at: number, value: number) => (footer: Buffer) => void footer.writeUInt32BE(value, at);
const u64 = (at: number, value: bigint) => (footer: Buffer) => void footer.writeBigUInt64BE(value, at);
const flipEnd: VhdEdit = ({ bytes, footer }) => void bytes.writeUInt8(bytes.readUInt8(footer + 100) ^ 1, footer + 100);
const flipCopy: VhdEdit = ({ bytes }) => void bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);

/** What can be wrong with a footer and with what it says, one thing at a time. */
const DAMAGES: readonly Damage[] = [
  { name: 'a file shorter than a footer', of: 'fixed', message: 'fewer than a footer', edit: ({ bytes }) => bytes.subarray(-300) },
  { name: 'a fixed disk whose footer has a wrong checksum', of: 'fixed', message: 'the checksum of its footer does not match', edit: flipEnd },
  { name: 'a dynamic disk with both footers damaged', of: 'dynamic', message: 'the checksum of its footer', edit: all(flipEnd, flipCopy) },
  { name: 'a footer of version 2', of: 'fixed', message: 'its footer has version 2', edit: inFooter(u32(12, 0x2_0000)) },
  { name: 'a footer of an unknown type', of: 'fixed', message: 'disk type 7 is not known', edit: inFooter(u32(60, 7)) },
  { name: 'a footer of the old type 5', of: 'fixed', message: 'disk type 5 is not known', edit: inFooter(u32(60, 5)) },
  { name: 'a fixed disk of no bytes', of: 'fixed', message: 'its disk has no bytes', edit: inFooter(u64(48, 0n)) },
  { name: 'a fixed disk of 2^64 - 1 bytes', of: 'fixed', message: 'is larger than any', edit: inFooter(u64(48, 2n ** 64n - 1n)) },
  {
    name: 'a fixed disk of 2041 GiB',
    of: 'fixed',
    code: 'image/too-large',
    message: 'is over the limit of 1.99 TiB',
    edit: inFooter(u64(48, BigInt(2041 * GIB))),
  },
  { name: 'a fixed disk of a size in bytes', of: 'fixed', message: 'no whole number of sectors', edit: inFooter(u64(48, 10_000_001n)) },
  { name: 'a fixed disk that is cut short', of: 'fixed', message: 'it is cut short', edit: inFooter(u64(48, BigInt(GIB))) },
  {
    name: 'a geometry that is longer than the file',
    of: 'fixed',
    message: 'it is cut short',
    edit: inFooter((footer) => {
      footer.write('vpc ', 28, 'latin1');
      footer.writeUInt32BE(0xfffe_10fe, 56);
    }),
  },
  {
    name: 'a geometry of no cylinders',
    of: 'fixed',
    message: 'its disk has no bytes',
    edit: inFooter((footer) => {
      footer.write('vpc ', 28, 'latin1');
      footer.writeUInt32BE(0, 56);
    }),
  },
  {
    name: 'a fixed disk that begins as another disk',
    of: 'fixed',
    message: 'begins with the footer of another',
    edit: ({ bytes }) => void Buffer.from(editVhd('dynamic', () => undefined)).copy(bytes, 0, 0, 4096),
  },
  {
    name: 'a fixed disk with a dynamic one inside, its own footer gone',
    of: 'fixed',
    message: 'the block allocation table is said to lie beyond',
    edit: ({ bytes }) => {
      Buffer.from(editVhd('dynamic', () => undefined)).copy(bytes, 0, 0, 4096);
      bytes.fill(0, bytes.length - 512);
      return bytes.subarray(0, 1538);
    },
  },
  { name: 'footers of two types', of: 'dynamic', message: 'are of two disks', edit: inCopy(u32(60, 4)) },
  { name: 'footers of two sizes', of: 'dynamic', message: 'are of two disks', edit: inCopy(u64(48, BigInt(GIB))) },
  { name: 'footers of two identifiers', of: 'dynamic', message: 'are of two disks', edit: inCopy(u32(68, 1)) },
  { name: 'footers with two headers', of: 'dynamic', message: 'are of two disks', edit: inCopy(u64(16, 1024n)) },
  { name: 'a dynamic disk without a header', of: 'dynamic', message: 'does not say where', edit: inFooters(u64(16, 2n ** 64n - 1n)) },
  {
    name: 'a dynamic disk that says it is fixed',
    of: 'dynamic',
    message: 'begins with the footer of another',
    edit: inFooter((footer) => {
      footer.writeUInt32BE(2, 60);
      footer.writeBigUInt64BE(4096n, 48);
    }),
  },
];

export const hostileFooters = (): readonly HostileVhd[] =>
  DAMAGES.map(({ of, edit, code = 'image/malformed', ...expected }) => ({ ...expected, code, bytes: editVhd(of, edit) }));
