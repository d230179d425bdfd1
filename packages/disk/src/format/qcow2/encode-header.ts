// QEMU docs/interop/qcow2, "Header".
import { COMPRESSION_TYPES, FEATURE, HEADER_SIZE_COMPRESSION, HEADER_SIZE_V2, MAGIC } from './header.ts';
import type { Geometry, Qcow2Plan } from './plan.ts';

/** The header of a finished image: no backing file, no snapshots, no extensions. Zeros follow it, which end the extension area. */
export function encodeHeader(plan: Qcow2Plan, geometry: Geometry): Buffer {
  const header = Buffer.alloc(plan.version === 2 ? HEADER_SIZE_V2 + 8 : HEADER_SIZE_COMPRESSION + 8);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(plan.version, 4);
  header.writeUInt32BE(plan.clusterBits, 20);
  header.writeBigUInt64BE(BigInt(geometry.recordedSize), 24);
  header.writeUInt32BE(geometry.l1Count, 36);
  header.writeBigUInt64BE(BigInt(geometry.l1Offset), 40);
  header.writeBigUInt64BE(BigInt(geometry.refcountTableOffset), 48);
  header.writeUInt32BE(geometry.refcountTableSize / geometry.clusterSize, 56);
  if (plan.version === 2) return header;
  const compressionType = plan.compression === 'none' ? 0 : COMPRESSION_TYPES.indexOf(plan.compression);
  const features = (compressionType > 0 ? 2 ** FEATURE.compressionType : 0) + (plan.extendedL2 ? 2 ** FEATURE.extendedL2 : 0);
  header.writeBigUInt64BE(BigInt(features), 72);
  header.writeBigUInt64BE(plan.lazyRefcounts ? 1n : 0n, 80);
  header.writeUInt32BE(Math.log2(plan.refcountBits), 96);
  header.writeUInt32BE(HEADER_SIZE_COMPRESSION, 100);
  header.writeUInt8(compressionType, 104);
  return header;
}
