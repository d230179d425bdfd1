import { LEAF_SIZE, leafRange } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import type { WritableFile } from '../../file/byte-file.ts';
import { isZero } from '../../stream/is-zero.ts';
import type { Layout, LayoutMark } from '../image-writer.ts';
import type { Qcow2Plan } from './plan.ts';
import { qcow2Writer } from './writer.ts';

/** The disk that a test writes: `read` answers its bytes, `leaves` those of its leaves that are not all zeros. */
export interface DiskContent {
  readonly virtualSize: number;
  readonly leaves: readonly number[];
  read(offset: number, into: Uint8Array): void;
}

export const contentOf = (bytes: Uint8Array): DiskContent => ({
  virtualSize: bytes.length,
  leaves: Array.from({ length: Math.ceil(bytes.length / LEAF_SIZE) }, (_, leaf) => leaf),
  read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
});

/** Test only: writes leaf by leaf, as the copy engine does. */
export class Qcow2Builder implements Disposable {
  readonly plan: Qcow2Plan;
  readonly #content: DiskContent;
  readonly #file: WritableFile;
  readonly #encoder;
  #layout: Layout;

  constructor(file: WritableFile, content: DiskContent, settings: Omit<ImageSettings, 'format'> = {}) {
    this.plan = qcow2Writer.plan(content.virtualSize, { format: 'qcow2', ...settings });
    this.#content = content;
    this.#file = file;
    this.#encoder = qcow2Writer.encoder(this.plan);
    this.#layout = qcow2Writer.layout(this.plan, file);
  }

  /** Writes the leaves from `first` on that lie below `end`. */
  copy(first = 0, end = Number.POSITIVE_INFINITY): this {
    for (const leaf of this.#content.leaves) {
      if (leaf >= first && leaf < end) this.#copyLeaf(leaf);
    }
    return this;
  }

  flush(leaves: number): LayoutMark {
    return this.#layout.flush(leaves);
  }

  /** As after a kill: everything in memory is lost, the file is cut to the mark. */
  resume(mark: LayoutMark): this {
    this.#file.truncate(mark.end);
    this.#layout = qcow2Writer.layout(this.plan, this.#file, mark);
    return this;
  }

  finish(): void {
    this.#layout.finish();
  }

  [Symbol.dispose](): void {
    this.#encoder?.[Symbol.dispose]();
  }

  #copyLeaf(leaf: number): void {
    const range = leafRange(leaf, this.plan.virtualSize);
    const units = Math.ceil(range.length / this.plan.unitSize);
    const bytes = new Uint8Array(units * this.plan.unitSize);
    this.#content.read(range.offset, bytes.subarray(0, range.length));
    const stored: Uint8Array[] = [];
    for (let unit = 0; unit < units; unit += 1)
      stored.push(this.#encode(bytes.subarray(unit * this.plan.unitSize, (unit + 1) * this.plan.unitSize), unit));
    if (stored.every((each) => each.length === 0)) return;
    const offsets = new Float64Array(units);
    this.#layout.place(
      leaf,
      Uint32Array.from(stored, (each) => each.length),
      offsets,
    );
    for (const [unit, each] of stored.entries()) {
      if (each.length > 0) this.#file.write(offsets[unit] ?? Number.NaN, each);
    }
  }

  #encode(unit: Uint8Array, index: number): Uint8Array {
    if (isZero(unit)) return new Uint8Array(0);
    if (!this.#encoder) return unit;
    const into = new Uint8Array(this.#encoder.storedSizeMax);
    return into.subarray(0, this.#encoder.encode(unit, index, into, 0));
  }
}

/** Test only: a finished image. */
export function buildQcow2(file: WritableFile, content: DiskContent, settings: Omit<ImageSettings, 'format'> = {}): void {
  using builder = new Qcow2Builder(file, content, settings);
  builder.copy().finish();
}
