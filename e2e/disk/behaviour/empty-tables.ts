import { open } from 'node:fs/promises';
import { KIB, TIB } from '@hypersdk/domain';
import { Qcow2Claim } from '../hostile/qcow2-claim.ts';

const CLUSTER = 64 * KIB;
const TABLE_COUNT = TIB / (512 * 1024 * KIB);
const L1 = 3 * CLUSTER;
/** Behind what every claim holds. */
const FIRST_TABLE = 8 * CLUSTER;

/** A qcow2 disk of a tebibyte without a byte of data whose tables are all there: clusters that are zero and clusters that are absent take turns, so that no two entries are alike. */
export async function makeEmptyTables(path: string): Promise<string> {
  const { bytes } = new Qcow2Claim({ virtualSize: BigInt(TIB), l1Count: TABLE_COUNT });
  const table = Buffer.alloc(CLUSTER);
  for (let entry = 0; entry < CLUSTER / 8; entry += 2) table.writeBigUInt64BE(1n, entry * 8);
  await using file = await open(path, 'w');
  for (let index = 0; index < TABLE_COUNT; index += 1) {
    const offset = FIRST_TABLE + index * CLUSTER;
    bytes.writeBigUInt64BE(BigInt(offset) | (1n << 63n), L1 + index * 8);
    await file.write(table, 0, CLUSTER, offset);
  }
  await file.write(bytes, 0, bytes.length, 0);
  return path;
}
