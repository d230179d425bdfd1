import { createHash } from 'node:crypto';
import { endOf, KIB, type ByteRange } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import type { ImagePlan } from '../image-writer.ts';

const PIECE_SIZE = 64 * KIB;

/**
 * An identifier of 16 bytes made of the plan and of parts of the finished file, so that copies of one disk are equal files. VirtualBox takes no two disks of one
 * identifier: the plan's origin, the block table, and the first sectors with the identifiers of partitions and file systems tell disks apart.
 */
export function deriveId(plan: ImagePlan, file: WritableFile, parts: readonly ByteRange[]): Buffer {
  const hash = createHash('sha256').update(JSON.stringify(plan));
  for (const part of parts) {
    for (let at = part.offset; at < endOf(part); at += PIECE_SIZE) {
      const piece = new Uint8Array(Math.min(PIECE_SIZE, endOf(part) - at));
      file.read(at, piece);
      hash.update(piece);
    }
  }
  return hash.digest().subarray(0, 16);
}

/** How much of the start of a disk goes into its identifier: partition tables, and the first file system's own identifier where there are none. */
export const ID_CONTENT_SIZE = PIECE_SIZE;

/** A version 8 UUID (RFC 9562, section 5.8) for an identifier: its version stands in byte 6, or in byte 7 where the fields are little-endian. */
export function toUuid(id: Uint8Array, byteOrder: 'big' | 'little'): Buffer {
  const uuid = Buffer.from(id);
  const versionAt = byteOrder === 'big' ? 6 : 7;
  uuid.writeUInt8((uuid.readUInt8(versionAt) % 16) + 0x80, versionAt);
  uuid.writeUInt8((uuid.readUInt8(8) % 64) + 0x80, 8);
  return uuid;
}
