// QEMU docs/interop/qcow2, "Header".
import { toQemuName, type ImageFormat } from '@hypersdk/domain';
import { BACKING_FORMAT } from './header-extensions.ts';
import { COMPRESSION_TYPES, FEATURE, HEADER_SIZE_COMPRESSION, HEADER_SIZE_V2, MAGIC } from './header.ts';
import type { Geometry, Qcow2Plan } from './plan.ts';

/** The header of a finished image, without snapshots. Zeros end the extension area; in an overlay the format and the name of the backing file stand around them. */
export function encodeHeader(plan: Qcow2Plan, geometry: Geometry): Buffer {
  const header = encodeFields(plan, geometry);
  if (!plan.backing) return header;
  const format = encodeFormat(plan.backing.format);
  const name = Buffer.from(plan.backing.name);
  const nameAt = header.length + format.length;
  header.writeBigUInt64BE(BigInt(nameAt), 8);
  header.writeUInt32BE(name.length, 16);
  // The 8 bytes that end the extensions come last in `header`; what is inserted before them is no longer than a few bytes.
  return Buffer.concat([header.subarray(0, -8), format, header.subarray(-8), name]);
}

/** "Header extensions": type, length, the format's name, and zeros up to a multiple of 8. */
function encodeFormat(format: ImageFormat): Buffer {
  const name = Buffer.from(toQemuName(format));
  const extension = Buffer.alloc(8 + Math.ceil(name.length / 8) * 8);
  extension.writeUInt32BE(BACKING_FORMAT, 0);
  extension.writeUInt32BE(name.length, 4);
  extension.set(name, 8);
  return extension;
}

function encodeFields(plan: Qcow2Plan, geometry: Geometry): Buffer {
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
