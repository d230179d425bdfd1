import { nativeCodecs } from '../../native/load.ts';
import type { Compressor } from '../../native/native.ts';
import type { UnitEncoder } from '../image-writer.ts';
import type { Qcow2Plan } from './plan.ts';

/** Compresses clusters. One that would not become smaller is stored as it is: its stored length then equals the cluster size, and that is how the layout knows. */
export class Qcow2UnitEncoder implements UnitEncoder {
  readonly storedSizeMax: number;
  readonly #compressor: Compressor;

  constructor({ compression, compressionLevel, unitSize }: Qcow2Plan & { readonly compression: 'zlib' | 'zstd' }) {
    this.storedSizeMax = unitSize;
    this.#compressor = nativeCodecs().compressor(compression === 'zlib' ? 'deflate-4k' : 'zstd', compressionLevel);
  }

  encode(unit: Uint8Array, _index: number, into: Uint8Array, at: number): number {
    const length = this.#compressor.compress(unit, into.subarray(0, at + unit.length - 1), at);
    if (length > 0) return length;
    into.set(unit, at);
    return unit.length;
  }

  *encodeInSteps(unit: Uint8Array, index: number, into: Uint8Array, at: number): Generator<undefined, number> {
    if (!this.#compressor.compressInSteps) return this.encode(unit, index, into, at);
    const length = yield* this.#compressor.compressInSteps(unit, into.subarray(0, at + unit.length - 1), at);
    if (length > 0) return length;
    into.set(unit, at);
    return unit.length;
  }

  [Symbol.dispose](): void {
    this.#compressor[Symbol.dispose]();
  }
}
