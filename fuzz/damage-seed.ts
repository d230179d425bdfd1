import { damage } from './damage.ts';
import type { Random } from './random.ts';
import type { Seed } from './seeds.ts';

/** A damaged copy of a seed. Where a format has checksums, half of the copies get right ones again: otherwise nothing behind them would ever be reached. */
export function damageSeed({ format, bytes }: Pick<Seed, 'format' | 'bytes'>, random: Random): Uint8Array {
  const damaged = damage(bytes, random);
  if (format === 'vhd' && random.below(2) === 0) mendVhd(Buffer.from(damaged.buffer, damaged.byteOffset, damaged.length), random);
  return damaged;
}

/** Virtual Hard Disk Image Format Specification 1.0: both footers and the dynamic header, one's complement of the sum of their other bytes. */
function mendVhd(bytes: Buffer, random: Random): void {
  if (bytes.length < 2048) return;
  const end = bytes.subarray(-512);
  // Two footers that differ are refused; often enough they are damaged alike.
  if (random.below(2) === 0 && bytes.toString('latin1', 0, 8) === 'conectix') bytes.copy(end, 0, 0, 512);
  mendPart(bytes.subarray(0, 512), 64);
  mendPart(end, 64);
  mendPart(bytes.subarray(512, 1536), 36);
}

function mendPart(part: Buffer, at: number): void {
  if (!/^(?:conectix|cxsparse)/.test(part.toString('latin1', 0, 8))) return;
  part.writeUInt32BE(0, at);
  const sum = part.reduce((total, byte) => total + byte, 0);
  part.writeUInt32BE(0xffff_ffff - sum, at);
}
