import { endOf, HyperError, LEAF_SIZE, leafRange, type ByteRange } from '@hypersdk/domain';
import type { BlockSink, Cancel, ImageSettings } from '@hypersdk/ports';
import type { WritableFile } from '../file/byte-file.ts';
import { isZero } from '../stream/is-zero.ts';
import { imageWriters } from './formats.ts';
import type { ImagePlan, Layout, UnitEncoder } from './image-writer.ts';

/** What an image being written lies in. */
export interface ImageMedium {
  readonly file: WritableFile;
  sync(): Promise<void>;
  /** Gives the finished image its name and lets go of it. */
  publish(): void;
  /** Removes what was made. */
  discard(): void;
}

/** Writes one image in disk order, on one thread: gathers a leaf, encodes it, gives it its place. */
export class ImageSink implements BlockSink {
  readonly ordered = true;
  readonly virtualSize: number;
  readonly #medium: ImageMedium;
  readonly #plan: ImagePlan;
  readonly #layout: Layout;
  readonly #encoder: UnitEncoder | undefined;
  readonly #leaf = Buffer.alloc(LEAF_SIZE);
  #index = 0;
  #taken = 0;
  #isDirty = false;
  #state: 'open' | 'finished' | 'aborted' = 'open';

  constructor(medium: ImageMedium, virtualSize: number, settings: ImageSettings) {
    const writer = imageWriters[settings.format];
    this.virtualSize = virtualSize;
    this.#medium = medium;
    this.#plan = writer.plan(virtualSize, settings);
    if (writer.set?.(this.#plan, 'disk'))
      throw new HyperError('usage/invalid', `An image of kind ${settings.subformat} lies in several files; here one is written.`);
    this.#layout = writer.layout(this.#plan, medium.file);
    this.#encoder = writer.encoder(this.#plan);
  }

  async write(offset: number, bytes: Uint8Array, o: Cancel): Promise<void> {
    o.signal.throwIfAborted();
    this.#advanceTo({ offset, length: bytes.length });
    for (let done = 0; done < bytes.length;) {
      this.#turnTo(Math.floor((offset + done) / LEAF_SIZE));
      const at = (offset + done) % LEAF_SIZE;
      const piece = bytes.subarray(done, done + LEAF_SIZE - at);
      this.#leaf.set(piece, at);
      this.#isDirty = true;
      done += piece.length;
    }
  }

  async zero(range: ByteRange, o: Cancel): Promise<void> {
    o.signal.throwIfAborted();
    // In order, what was not written yet is zero already.
    this.#advanceTo(range);
  }

  async flush(o: Cancel): Promise<void> {
    o.signal.throwIfAborted();
    // The leaf in hand gets its place once it is whole.
    await this.#medium.sync();
  }

  async finish(o: Cancel): Promise<void> {
    o.signal.throwIfAborted();
    this.#requireOpen();
    this.#store();
    this.#layout.finish();
    await this.#medium.sync();
    this.#medium.publish();
    this.#close('finished');
  }

  async abort(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#close('aborted');
    this.#medium.discard();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.abort();
  }

  #close(state: 'finished' | 'aborted'): void {
    this.#state = state;
    this.#encoder?.[Symbol.dispose]();
  }

  #requireOpen(): void {
    if (this.#state !== 'open') throw new HyperError('internal/unexpected', 'The image is closed; nothing more can be written to it.');
  }

  #advanceTo(range: ByteRange): void {
    this.#requireOpen();
    if (range.offset < this.#taken || endOf(range) > this.virtualSize) {
      throw new HyperError(
        'usage/invalid',
        `Bytes ${range.offset} to ${endOf(range)} cannot be written now: this image is written in order and has ${this.virtualSize} bytes.`,
      );
    }
    this.#taken = endOf(range);
  }

  #turnTo(leaf: number): void {
    if (leaf === this.#index) return;
    this.#store();
    this.#index = leaf;
  }

  #store(): void {
    if (!this.#isDirty) return;
    const { unitSize, placement } = this.#plan;
    const { offset, length } = leafRange(this.#index, this.virtualSize);
    const units = Array.from({ length: Math.ceil(length / unitSize) }, (_, unit) =>
      this.#encode(offset / unitSize + unit, this.#leaf.subarray(unit * unitSize, (unit + 1) * unitSize)),
    );
    const sizes = Uint32Array.from(units, (unit) => unit?.length ?? 0);
    const offsets = Float64Array.from(units, (_, unit) => offset + unit * unitSize);
    if (placement === 'assigned' && sizes.some((size) => size > 0)) this.#layout.place(this.#index, sizes, offsets);
    units.forEach((bytes, unit) => {
      const end = placement === 'identity' ? Math.min(unitSize, length - unit * unitSize) : bytes?.length;
      if (bytes) this.#medium.file.write(offsets[unit] ?? 0, bytes.subarray(0, end));
    });
    this.#leaf.fill(0);
    this.#isDirty = false;
  }

  #encode(index: number, unit: Uint8Array): Uint8Array | undefined {
    if (isZero(unit)) return undefined;
    if (!this.#encoder) return unit;
    const into = Buffer.alloc(this.#encoder.storedSizeMax);
    return into.subarray(0, this.#encoder.encode(unit, index, into, 0));
  }
}
