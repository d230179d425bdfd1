// Virtual Hard Disk Image Format Specification 1.0, "Hard Disk Footer Format" and "Dynamic Disk Header Format". All fields are big-endian.
import { checksumOf } from './checksum.ts';
import { HEADER_CHECKSUM, HEADER_COOKIE, HEADER_SIZE } from './dynamic-header.ts';
import { DISK_TYPES, FOOTER_CHECKSUM, FOOTER_COOKIE, FOOTER_SIZE, NO_OFFSET } from './footer.ts';
import { geometryFor } from './geometry.ts';

/** "Features": this bit is reserved and always set. */
const FEATURES = 2;
const VERSION = 0x0001_0000;
/** Hyper-V's name and version. QEMU shows the whole size of a disk only when it knows the creator as one that means it; of an unknown one it cuts what the geometry leaves out. */
const CREATOR = 'win ';
const CREATOR_VERSION = 0x0006_0003;
const CREATOR_HOST = 'Wi2k';

export interface FooterFields {
  readonly virtualSize: number;
  readonly kind: 'fixed' | 'dynamic';
  /** Where the dynamic header lies; absent in a fixed disk. */
  readonly headerOffset?: number;
  readonly uniqueId: Uint8Array;
}

/** The time stamp stays 0, the beginning of the year 2000: equal disks make equal files. */
export function encodeFooter({ virtualSize, kind, headerOffset, uniqueId }: FooterFields): Buffer {
  const bytes = Buffer.alloc(FOOTER_SIZE);
  const { cylinders, heads, sectors } = geometryFor(virtualSize);
  bytes.write(FOOTER_COOKIE, 0, 'latin1');
  bytes.writeUInt32BE(FEATURES, 8);
  bytes.writeUInt32BE(VERSION, 12);
  bytes.writeBigUInt64BE(headerOffset === undefined ? NO_OFFSET : BigInt(headerOffset), 16);
  bytes.write(CREATOR, 28, 'latin1');
  bytes.writeUInt32BE(CREATOR_VERSION, 32);
  bytes.write(CREATOR_HOST, 36, 'latin1');
  bytes.writeBigUInt64BE(BigInt(virtualSize), 40);
  bytes.writeBigUInt64BE(BigInt(virtualSize), 48);
  bytes.writeUInt16BE(cylinders, 56);
  bytes.writeUInt8(heads, 58);
  bytes.writeUInt8(sectors, 59);
  bytes.writeUInt32BE(DISK_TYPES[kind], 60);
  bytes.set(uniqueId, 68);
  bytes.writeUInt32BE(checksumOf(bytes, FOOTER_CHECKSUM), FOOTER_CHECKSUM);
  return bytes;
}

export function encodeDynamicHeader(o: { readonly tableOffset: number; readonly blockCount: number; readonly blockSize: number }): Buffer {
  const bytes = Buffer.alloc(HEADER_SIZE);
  bytes.write(HEADER_COOKIE, 0, 'latin1');
  bytes.writeBigUInt64BE(NO_OFFSET, 8);
  bytes.writeBigUInt64BE(BigInt(o.tableOffset), 16);
  bytes.writeUInt32BE(VERSION, 24);
  bytes.writeUInt32BE(o.blockCount, 28);
  bytes.writeUInt32BE(o.blockSize, 32);
  bytes.writeUInt32BE(checksumOf(bytes, HEADER_CHECKSUM), HEADER_CHECKSUM);
  return bytes;
}
