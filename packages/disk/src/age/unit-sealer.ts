import { roundUp } from '@hypersdk/domain';
import type { TargetFile } from '../file/target-file.ts';
import { ChunkSealer, type Sealing } from './chunk-sealer.ts';
import { CHUNK_SIZE } from './payload.ts';

/** Bytes of a chunk that others have a part in. */
export interface ChunkPart {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What became of the bytes of one leaf: chunks that are sealed, as pairs of first and count, and parts of chunks for whoever gathers them. */
export interface SealedUnits {
  readonly runs: readonly number[];
  readonly parts: readonly ChunkPart[];
}

/** A mover's way into an encrypted file: chunks that it has whole it seals in their place, the edges between leaves it hands over. */
export class UnitSealer {
  readonly #sealer: ChunkSealer;

  constructor(file: TargetFile, sealing: Sealing) {
    this.#sealer = new ChunkSealer(file, sealing);
  }

  /** `bytes` are the content of the encrypted file at `offset`, written once and never again. Adds to `into`. */
  write(offset: number, bytes: Uint8Array, into: { readonly runs: number[]; readonly parts: ChunkPart[] }): void {
    const end = offset + bytes.length;
    const from = roundUp(offset, CHUNK_SIZE);
    const to = Math.floor(end / CHUNK_SIZE) * CHUNK_SIZE;
    const keep = (start: number, stop: number): void => {
      // The buffer behind it is used again for the next leaf.
      if (stop > start) into.parts.push({ offset: start, bytes: Uint8Array.from(bytes.subarray(start - offset, stop - offset)) });
    };
    if (to <= from) {
      // Two edges of neighbours, or one.
      keep(offset, Math.min(end, from));
      return keep(Math.max(offset, from), end);
    }
    keep(offset, from);
    this.#sealer.seal({ index: from / CHUNK_SIZE, isLast: false }, bytes.subarray(from - offset, to - offset));
    into.runs.push(from / CHUNK_SIZE, (to - from) / CHUNK_SIZE);
    keep(to, end);
  }
}
