// QEMU docs/interop/qcow2, "Header" and "Header extensions", written here once more so that the reader's own constants prove nothing about themselves.
import { KIB, MIB } from '@hypersdk/domain';

const CLUSTER = 64 * KIB;
const L1 = 3 * CLUSTER;

/** A small qcow2 file of version 3 that says what it is told to say. */
export class Qcow2Claim {
  readonly bytes: Buffer;

  constructor(claim: { readonly virtualSize?: bigint; readonly l1Count?: number } = {}) {
    const { virtualSize = BigInt(MIB), l1Count = 1 } = claim;
    this.bytes = Buffer.alloc(8 * CLUSTER);
    this.bytes.write('QFI\xfb', 0, 'latin1');
    this.bytes.writeUInt32BE(3, 4);
    this.bytes.writeUInt32BE(16, 20);
    this.bytes.writeBigUInt64BE(virtualSize, 24);
    this.bytes.writeUInt32BE(l1Count, 36);
    this.bytes.writeBigUInt64BE(BigInt(L1), 40);
    this.bytes.writeBigUInt64BE(BigInt(CLUSTER), 48);
    this.bytes.writeUInt32BE(1, 56);
    this.bytes.writeUInt32BE(4, 96);
    this.bytes.writeUInt32BE(104, 100);
    // The refcount table, its one block, and a count for each cluster that is there.
    this.bytes.writeBigUInt64BE(BigInt(2 * CLUSTER), CLUSTER);
    for (let cluster = 0; cluster < 8; cluster += 1) this.bytes.writeUInt16BE(1, 2 * CLUSTER + cluster * 2);
  }

  withBacking(name: string, format: string): this {
    this.bytes.writeUInt32BE(0xe2792aca, 104);
    this.bytes.writeUInt32BE(format.length, 108);
    this.bytes.write(format, 112, 'latin1');
    this.bytes.writeBigUInt64BE(1024n, 8);
    this.bytes.writeUInt32BE(name.length, 16);
    this.bytes.write(name, 1024, 'latin1');
    return this;
  }

  /** Every L1 entry names one L2 table, and every entry of that one cluster: a few KiB that claim to be a full disk. */
  shareOneTable(): this {
    const [table, cluster] = [4 * CLUSTER, 5 * CLUSTER];
    const count = this.bytes.readUInt32BE(36);
    for (let entry = 0; entry < count; entry += 1) this.bytes.writeBigUInt64BE((1n << 63n) | BigInt(table), L1 + entry * 8);
    for (let entry = 0; entry < CLUSTER / 8; entry += 1) this.bytes.writeBigUInt64BE((1n << 63n) | BigInt(cluster), table + entry * 8);
    this.bytes.fill(0xa5, cluster, cluster + CLUSTER);
    return this;
  }
}
