const STEP = 64 * 1024;

/** Offset of the first byte that differs in the length that both have; undefined when none does. Compares by memcmp, step by step. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at += STEP) {
    const end = Math.min(at + STEP, shorter);
    const [left, right] = [a.subarray(at, end), b.subarray(at, end)];
    if (Buffer.compare(left, right) !== 0) return at + left.findIndex((byte, index) => byte !== right[index]);
  }
  return undefined;
}
