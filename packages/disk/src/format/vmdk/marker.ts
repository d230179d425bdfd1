// Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse Extents": every grain and every table is preceded by a marker.
import { toByteCount } from '../../file/safe-number.ts';
import { SECTOR_SIZE } from './vmdk-limits.ts';

/** A grain's marker is this long and its compressed bytes follow at once. */
export const GRAIN_MARKER_SIZE = 12;

const TYPES = ['end-of-stream', 'grain-table', 'grain-directory', 'footer'] as const;
export type TableMarkerType = (typeof TYPES)[number];

/** Fills in the marker of a grain: the sector of the disk it begins at, and how many compressed bytes follow. */
export function writeGrainMarker(into: Uint8Array, at: number, grain: { readonly sector: number; readonly storedSize: number }): void {
  const view = new DataView(into.buffer, into.byteOffset + at, GRAIN_MARKER_SIZE);
  view.setBigUint64(0, BigInt(grain.sector), true);
  view.setUint32(8, grain.storedSize, true);
}

/** `sector` is undefined when the field is larger than any disk. */
export function parseGrainMarker(bytes: Uint8Array): { readonly sector: number | undefined; readonly storedSize: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, GRAIN_MARKER_SIZE);
  return { sector: toByteCount(view.getBigUint64(0, true)), storedSize: view.getUint32(8, true) };
}

/** The sector that announces `length` bytes of a table, directory or footer. */
export function encodeTableMarker(type: TableMarkerType, length: number): Uint8Array {
  const bytes = new Uint8Array(SECTOR_SIZE);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(Math.ceil(length / SECTOR_SIZE)), true);
  view.setUint32(12, TYPES.indexOf(type), true);
  return bytes;
}

/** Whether the sector announces just that. */
export const isTableMarker = (sector: Uint8Array, type: TableMarkerType, length: number): boolean =>
  Buffer.compare(sector.subarray(0, 16), encodeTableMarker(type, length).subarray(0, 16)) === 0;
