// Virtual Hard Disk Image Format Specification 1.0, "Hard Disk Footer Format". All fields are big-endian.
import type { ByteFile } from '../../file/byte-file.ts';
import { toByteCount } from '../../file/safe-number.ts';
import { checksumOf } from './checksum.ts';
import { GEOMETRY_MAX, sizeOfGeometry, type Geometry } from './geometry.ts';

export const FOOTER_SIZE = 512;
/** Virtual PC before 2004 left the last byte out. */
const SHORT_FOOTER_SIZE = 511;
export const FOOTER_COOKIE = 'conectix';
export const FOOTER_CHECKSUM = 64;
export const NO_OFFSET = 0xffff_ffff_ffff_ffffn;
export const DISK_TYPES = { fixed: 2, dynamic: 3, differencing: 4 } as const;
export type DiskType = keyof typeof DISK_TYPES;

export interface Footer {
  readonly type: DiskType;
  /** Where the dynamic header lies; undefined in a fixed disk. */
  readonly headerOffset: number | undefined;
  /** Seconds since the beginning of the year 2000. */
  readonly timeStamp: number;
  /** Four letters that name the program which made the disk. */
  readonly creator: string;
  readonly currentSize: number;
  readonly geometry: Geometry;
  /** 32 hexadecimal digits. */
  readonly uniqueId: string;
  readonly savedState: boolean;
}

/** Why bytes are no footer: a sentence's end, and the field's offset in the footer. */
export interface FooterFault {
  readonly why: string;
  readonly at: number;
}

/** A footer that was found, and where. */
export interface FoundFooter {
  readonly footer: Footer;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Looks for a footer in the last 512 or 511 bytes of a file; the last `tail` bytes are enough, `size` is that of the file. */
export function footerAtEnd(tail: Uint8Array, size: number): FoundFooter | FooterFault {
  for (const length of [FOOTER_SIZE, SHORT_FOOTER_SIZE]) {
    const bytes = new Uint8Array(FOOTER_SIZE);
    bytes.set(tail.subarray(Math.max(0, tail.length - length)));
    if (!hasCookie(bytes)) continue;
    const footer = parseFooter(bytes);
    return 'why' in footer ? footer : { footer, offset: size - length, bytes };
  }
  return { why: 'its end has no footer', at: 0 };
}

export function footerAtStart(file: ByteFile): FoundFooter | FooterFault {
  const bytes = new Uint8Array(FOOTER_SIZE);
  file.read(0, bytes.subarray(0, Math.min(FOOTER_SIZE, file.size)));
  const footer = parseFooter(bytes);
  return 'why' in footer ? footer : { footer, offset: 0, bytes };
}

export const hasCookie = (bytes: Uint8Array): boolean => Buffer.from(bytes.subarray(0, 8)).toString('latin1') === FOOTER_COOKIE;

function parseFooter(bytes: Uint8Array): Footer | FooterFault {
  const view = new DataView(bytes.buffer, bytes.byteOffset, FOOTER_SIZE);
  if (!hasCookie(bytes)) return { why: 'the cookie of its footer is missing', at: 0 };
  if (view.getUint32(FOOTER_CHECKSUM) !== checksumOf(bytes, FOOTER_CHECKSUM))
    return { why: 'the checksum of its footer does not match', at: FOOTER_CHECKSUM };
  const version = view.getUint32(12);
  if (version >>> 16 !== 1) return { why: `its footer has version ${version >>> 16}, and only 1 is known`, at: 12 };
  const type = typeOf(view.getUint32(60));
  if (!type) return { why: `disk type ${view.getUint32(60)} is not known`, at: 60 };
  const currentSize = toByteCount(view.getBigUint64(48));
  if (currentSize === undefined) return { why: `a disk of ${view.getBigUint64(48)} bytes is larger than any`, at: 48 };
  const headerOffset = type === 'fixed' ? undefined : toByteCount(view.getBigUint64(16));
  if (type !== 'fixed' && headerOffset === undefined) return { why: 'its footer does not say where the dynamic header lies', at: 16 };
  const text = Buffer.from(bytes);
  return {
    type,
    headerOffset,
    timeStamp: view.getUint32(24),
    creator: text.toString('latin1', 28, 32),
    currentSize,
    geometry: { cylinders: view.getUint16(56), heads: view.getUint8(58), sectors: view.getUint8(59) },
    uniqueId: text.toString('hex', 68, 84),
    savedState: view.getUint8(84) !== 0,
  };
}

const typeOf = (field: number): DiskType | undefined =>
  field === DISK_TYPES.fixed ? 'fixed' : field === DISK_TYPES.dynamic ? 'dynamic' : field === DISK_TYPES.differencing ? 'differencing' : undefined;

/**
 * Virtual PC and Virtual Server show a guest the size of the geometry; QEMU marks disks of that kind with its first name, and `force_size` ones with another.
 * For these three, what lies behind the geometry is no part of the disk, and QEMU says the same. For every other program the disk has its current size, as the
 * specification has it. (QEMU takes the geometry for all programs that it does not know, VirtualBox among them, and cuts their disks short.)
 */
const SIZED_BY_GEOMETRY: readonly string[] = ['vpc ', 'vs  ', 'qemu'];

/** What the guest sees. A disk of the largest geometry may be larger than that, and then has its current size everywhere. */
export function visibleSize({ creator, geometry, currentSize }: Footer): number {
  const size = sizeOfGeometry(geometry);
  return SIZED_BY_GEOMETRY.includes(creator) && size < sizeOfGeometry(GEOMETRY_MAX) ? size : currentSize;
}
