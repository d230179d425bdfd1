// MS-DTYP 2.3.4.2 "GUID--Packet Representation": the first three fields are little-endian, the last eight bytes are in order.

/** A GUID as text, in lower case and without braces. */
export type Guid = string;

export const GUID_SIZE = 16;
export const NO_GUID: Guid = '00000000-0000-0000-0000-000000000000';

/** Where each byte of the text form lies among the packed sixteen. */
const ORDER: readonly number[] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

export function readGuid(bytes: Uint8Array, offset: number): Guid {
  const hex = Buffer.from(ORDER.map((at) => bytes[offset + at] ?? 0)).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export function writeGuid(into: Uint8Array, offset: number, guid: Guid): void {
  Buffer.from(guid.replaceAll('-', ''), 'hex').forEach((byte, index) => {
    into[offset + (ORDER[index] ?? 0)] = byte;
  });
}
