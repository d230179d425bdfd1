// For tests: drives a writer as a copy does, one leaf after the other.
import { LEAF_SIZE, leafCount, leafRange } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import type { WritableFile } from '../../file/byte-file.ts';
import { isZero } from '../../stream/is-zero.ts';
import { imageWriters } from '../formats.ts';
import type { ImagePlan, Layout, LayoutMark } from '../image-writer.ts';

/** A disk that is mostly absent: its leaves with something on them, in rising order, and what is on them. */
export interface BuiltDisk {
  readonly virtualSize: number;
  readonly leaves: readonly number[];
  /** Fills `into`, which is all zeros and at most a leaf, with the disk from `offset` on. */
  read(offset: number, into: Uint8Array): void;
}

/** A disk that is in memory as a whole. */
export function diskOf(bytes: Uint8Array): BuiltDisk {
  const all = Array.from({ length: leafCount(bytes.length) }, (_, leaf) => leaf);
  const leaves = all.filter((leaf) => !isZero(bytes.subarray(leaf * LEAF_SIZE, (leaf + 1) * LEAF_SIZE)));
  return { virtualSize: bytes.length, leaves, read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)) };
}

/** Writes an image step by step, so that a test can stop anywhere and go on. */
export class ImageBuilder {
  readonly plan: ImagePlan;
  readonly #file: WritableFile;
  readonly #disk: BuiltDisk;
  readonly #settings: ImageSettings;
  #layout: Layout;

  constructor(file: WritableFile, disk: BuiltDisk, settings: ImageSettings) {
    this.#file = file;
    this.#disk = disk;
    this.#settings = settings;
    this.plan = imageWriters[settings.format].plan(disk.virtualSize, settings);
    this.#layout = imageWriters[settings.format].layout(this.plan, file);
  }

  /** Copies the leaves from `from` on, below `end`. */
  copy(from = 0, end = Infinity): this {
    for (const leaf of this.#disk.leaves) if (leaf >= from && leaf < end) this.#copyLeaf(leaf);
    return this;
  }

  flush(leaves: number): LayoutMark {
    return this.#layout.flush(leaves);
  }

  /** As a process does that finds the work of one that was killed. */
  resume(mark: LayoutMark): this {
    const kept: LayoutMark = JSON.parse(JSON.stringify(mark));
    this.#file.truncate(kept.end);
    this.#layout = imageWriters[this.#settings.format].layout(this.plan, this.#file, kept);
    return this;
  }

  finish(): void {
    this.#layout.finish();
  }

  #copyLeaf(leaf: number): void {
    const { unitSize, placement } = this.plan;
    const { offset, length } = leafRange(leaf, this.#disk.virtualSize);
    const count = Math.ceil(length / unitSize);
    const bytes = new Uint8Array(count * unitSize);
    this.#disk.read(offset, bytes.subarray(0, length));
    const units = Array.from({ length: count }, (_, unit) => bytes.subarray(unit * unitSize, (unit + 1) * unitSize));
    const sizes = Uint32Array.from(units, (unit) => (isZero(unit) ? 0 : unitSize));
    const offsets = Float64Array.from(units, (_, unit) => offset + unit * unitSize);
    if (placement === 'assigned') this.#layout.place(leaf, sizes, offsets);
    units.forEach((unit, at) => {
      const end = placement === 'identity' ? Math.min(unitSize, length - at * unitSize) : unitSize;
      if ((sizes[at] ?? 0) > 0) this.#file.write(offsets[at] ?? 0, unit.subarray(0, end));
    });
  }
}

/** Writes the whole image. */
export function buildImage(file: WritableFile, disk: BuiltDisk, settings: ImageSettings): void {
  new ImageBuilder(file, disk, settings).copy().finish();
}
