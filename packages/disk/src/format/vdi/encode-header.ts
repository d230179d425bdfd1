// VirtualBox VDI, core header of version 1.1. All fields are little-endian.
import { FIELD, HEADER_SIZE_USUAL, SIGNATURE, TYPES, VERSION, type DiskType } from './header.ts';
import { SECTOR_SIZE } from './vdi-limits.ts';

/** For people who look at the file; no program reads it. */
const TEXT = '<<< Oracle VM VirtualBox Disk Image >>>\n';

export interface HeaderFields {
  readonly type: DiskType;
  readonly virtualSize: number;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly storedCount: number;
  readonly tableOffset: number;
  readonly contentOffset: number;
  readonly id: Uint8Array;
  readonly changeId: Uint8Array;
}

/** Both geometries stay 0, and VirtualBox then chooses them when it attaches the disk; but it refuses a header whose geometries do not say the size of a sector. */
export function encodeHeader(fields: HeaderFields): Buffer {
  const bytes = Buffer.alloc(SECTOR_SIZE);
  bytes.write(TEXT, 0, 'latin1');
  bytes.writeUInt32LE(SIGNATURE, FIELD.signature);
  bytes.writeUInt32LE(VERSION, FIELD.version);
  bytes.writeUInt32LE(HEADER_SIZE_USUAL, FIELD.headerSize);
  bytes.writeUInt32LE(TYPES[fields.type], FIELD.type);
  bytes.writeUInt32LE(fields.tableOffset, FIELD.tableOffset);
  bytes.writeUInt32LE(fields.contentOffset, FIELD.contentOffset);
  bytes.writeUInt32LE(SECTOR_SIZE, FIELD.sectorSize);
  bytes.writeBigUInt64LE(BigInt(fields.virtualSize), FIELD.virtualSize);
  bytes.writeUInt32LE(fields.blockSize, FIELD.blockSize);
  bytes.writeUInt32LE(fields.blockCount, FIELD.blockCount);
  bytes.writeUInt32LE(fields.storedCount, FIELD.storedCount);
  bytes.set(fields.id, FIELD.id);
  bytes.set(fields.changeId, FIELD.changeId);
  bytes.writeUInt32LE(SECTOR_SIZE, FIELD.addedSectorSize);
  return bytes;
}
