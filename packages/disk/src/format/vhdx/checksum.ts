import { crc32c } from './crc32c.ts';

/** Headers, region tables and log entries carry their checksum here, behind their signature (MS-VHDX 2.2 and 2.3). */
const FIELD = { start: 4, end: 8 } as const;
const FIELD_ZEROS = new Uint8Array(FIELD.end - FIELD.start);

export const storedChecksum = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(FIELD.start, true);

/** The checksum of a structure, its own field counting as zeros. `rest` follows `bytes` when the structure lies in two pieces. */
export function checksumOf(bytes: Uint8Array, rest: Uint8Array = new Uint8Array(0)): number {
  const head = crc32c(FIELD_ZEROS, crc32c(bytes.subarray(0, FIELD.start)));
  return crc32c(rest, crc32c(bytes.subarray(FIELD.end), head));
}

export function setChecksum(bytes: Uint8Array): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(FIELD.start, checksumOf(bytes), true);
}
