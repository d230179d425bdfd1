/** "Hard Disk Footer Format", Checksum: one's complement of the sum of all bytes, without the four of the checksum itself. */
export function checksumOf(bytes: Uint8Array, checksumOffset: number): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    if (at < checksumOffset || at >= checksumOffset + 4) sum += bytes[at] ?? 0;
  }
  return ~sum >>> 0;
}
