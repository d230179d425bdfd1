import { endOf, leafRange, type ByteRange } from '@hypersdk/domain';
import { ZERO_UNIT } from '../format/image-writer.ts';

/** Follows which offsets of the target the settled leaves were written to, so that no file is synced that nothing was written to. */
export class WrittenRange {
  /** Of leaves in hand. */
  readonly #placed = new Map<number, ByteRange>();
  #settled: ByteRange | undefined;

  place(leaf: number, sizes: Uint32Array, offsets: Float64Array): void {
    let range: ByteRange | undefined;
    sizes.forEach((length, unit) => {
      if (length > 0 && length !== ZERO_UNIT) range = union(range, { offset: offsets[unit] ?? 0, length });
    });
    if (range) this.#placed.set(leaf, range);
  }

  /** A leaf that got no place lies where it lies on the disk. */
  settle(leaf: number, virtualSize: number): void {
    this.#settled = union(this.#settled, this.#placed.get(leaf) ?? leafRange(leaf, virtualSize));
    this.#placed.delete(leaf);
  }

  /** What was settled since it was asked last. */
  take(): ByteRange {
    const range = this.#settled ?? { offset: 0, length: 0 };
    this.#settled = undefined;
    return range;
  }
}

function union(a: ByteRange | undefined, b: ByteRange): ByteRange {
  if (!a) return b;
  const offset = Math.min(a.offset, b.offset);
  return { offset, length: Math.max(endOf(a), endOf(b)) - offset };
}
