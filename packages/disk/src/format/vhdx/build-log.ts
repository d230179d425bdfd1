// For tests: makes entries of a log as MS-VHDX 2.3.1 describes them, written here once more so that the reader's own constants prove nothing about themselves.
import { crc32 } from './build-crc.ts';

export type Change = { readonly offset: number } & ({ readonly bytes: Uint8Array } | { readonly zeros: number });

export interface EntryToBuild {
  readonly sequence: number;
  /** Where the oldest entry of the sequence lies in the log. */
  readonly tail: number;
  /** As the header spells it: sixteen bytes. */
  readonly guid: Uint8Array;
  readonly changes: readonly Change[];
  /** Size of the file, before and after. */
  readonly fileSize: number;
  readonly lastSize?: number;
}

const SECTOR = 4096;

export function buildLogEntry(o: EntryToBuild): Buffer {
  const sectors = o.changes.filter((change) => 'bytes' in change);
  const front = Math.ceil((64 + o.changes.length * 32) / SECTOR) * SECTOR;
  const entry = Buffer.alloc(front + sectors.length * SECTOR);
  entry.write('loge', 0, 'latin1');
  entry.writeUInt32LE(entry.length, 8);
  entry.writeUInt32LE(o.tail, 12);
  entry.writeBigUInt64LE(BigInt(o.sequence), 16);
  entry.writeUInt32LE(o.changes.length, 24);
  entry.set(o.guid, 32);
  entry.writeBigUInt64LE(BigInt(o.fileSize), 48);
  entry.writeBigUInt64LE(BigInt(o.lastSize ?? o.fileSize), 56);
  let sector = front;
  o.changes.forEach((change, index) => {
    const at = 64 + index * 32;
    entry.writeBigUInt64LE(BigInt(change.offset), at + 16);
    entry.writeBigUInt64LE(BigInt(o.sequence), at + 24);
    if ('zeros' in change) {
      entry.write('zero', at, 'latin1');
      entry.writeBigUInt64LE(BigInt(change.zeros), at + 8);
      return;
    }
    entry.write('desc', at, 'latin1');
    entry.set(change.bytes.subarray(SECTOR - 4), at + 4);
    entry.set(change.bytes.subarray(0, 8), at + 8);
    entry.set(change.bytes, sector);
    entry.write('data', sector, 'latin1');
    entry.writeUInt32LE(Math.floor(o.sequence / 2 ** 32), sector + 4);
    entry.writeUInt32LE(o.sequence % 2 ** 32, sector + SECTOR - 4);
    sector += SECTOR;
  });
  entry.writeUInt32LE(crc32(entry), 4);
  return entry;
}
