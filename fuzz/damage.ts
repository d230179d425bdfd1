import type { Random } from './random.ts';

/** Values at which size and offset arithmetic goes wrong. */
const EDGES: readonly [bigint, ...bigint[]] = [
  0n,
  1n,
  511n,
  512n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 53n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
];

/** Where headers and top tables lie: damage there gets deepest. */
const FRONT_SIZE = 1024;
const CHANGES_MAX = 4;

/** A copy of an image with a few fields, bytes or bits changed, or cut short. */
export function damage(image: Uint8Array, random: Random): Uint8Array {
  const bytes = Buffer.from(image);
  const changes = 1 + random.below(CHANGES_MAX);
  for (let change = 0; change < changes; change += 1) random.pick([setField, setField, flipBit, copyPiece])(bytes, random);
  return random.below(8) === 0 ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
}

const place = (bytes: Buffer, random: Random, size: number): number => {
  const limit = random.below(3) === 0 ? bytes.length : Math.min(FRONT_SIZE, bytes.length);
  return Math.max(0, Math.min(bytes.length - size, random.below(limit)));
};

function setField(bytes: Buffer, random: Random): void {
  if (bytes.length < 8) return;
  const at = place(bytes, random, 8);
  const value = random.pick(EDGES);
  const write = random.pick([
    () => bytes.writeBigUInt64BE(value, at),
    () => bytes.writeBigUInt64LE(value, at),
    () => bytes.writeUInt32BE(Number(value & 0xffffffffn), at),
    () => bytes.writeUInt32LE(Number(value & 0xffffffffn), at),
    () => bytes.writeUInt16BE(Number(value & 0xffffn), at),
  ]);
  write();
}

function flipBit(bytes: Buffer, random: Random): void {
  if (bytes.length === 0) return;
  const at = place(bytes, random, 1);
  bytes.set([(bytes[at] ?? 0) ^ (1 << random.below(8))], at);
}

function copyPiece(bytes: Buffer, random: Random): void {
  const length = 1 + random.below(64);
  if (bytes.length < length) return;
  const from = place(bytes, random, length);
  bytes.copyWithin(place(bytes, random, length), from, from + length);
}
