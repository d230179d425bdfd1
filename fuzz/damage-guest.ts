import type { Patch } from '../packages/disk/src/guest/hostile-disk.ts';
import type { Random } from './random.ts';

/** Values at which counts, lengths and pointers go wrong. */
const EDGES: readonly [bigint, ...bigint[]] = [
  0n,
  1n,
  2n,
  7n,
  8n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fff_ffffn,
  0xffff_ffffn,
  1n << 53n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
];
const CHANGES_MAX = 6;
const WIDTHS: readonly [number, ...number[]] = [1, 2, 4, 8];

/** A few fields changed among the bytes that a look reads. */
export function damageGuest(places: readonly number[], random: Random): readonly Patch[] {
  return Array.from({ length: 1 + random.below(CHANGES_MAX) }, () => {
    const offset = Math.max(0, (places[random.below(places.length)] ?? 0) - random.below(4));
    return { offset, bytes: random.below(3) === 0 ? Uint8Array.of(random.below(256)) : fieldOf(random) };
  });
}

function fieldOf(random: Random): Uint8Array {
  const bytes = Buffer.alloc(8);
  const value = random.pick(EDGES);
  const width = random.pick(WIDTHS);
  if (random.below(2) === 0) {
    bytes.writeBigUInt64LE(value);
    return bytes.subarray(0, width);
  }
  bytes.writeBigUInt64BE(value);
  return bytes.subarray(8 - width);
}
