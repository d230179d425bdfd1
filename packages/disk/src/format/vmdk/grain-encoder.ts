import { HyperError, roundUp } from '@hypersdk/domain';
import type { Compressor } from '../../native/native.ts';
import type { UnitEncoder } from '../image-writer.ts';
import { GRAIN_MARKER_SIZE, writeGrainMarker } from './marker.ts';
import { SECTOR_SIZE } from './vmdk-limits.ts';
import { WRITTEN_GRAIN_SIZE } from './vmdk-plan.ts';

const GRAIN_SECTORS = WRITTEN_GRAIN_SIZE / SECTOR_SIZE;

/** Makes compressed grains: marker, zlib stream, zeros up to the next sector. */
export class GrainEncoder implements UnitEncoder {
  readonly storedSizeMax: number;
  readonly #compressor: Compressor;

  constructor(compressor: Compressor) {
    this.#compressor = compressor;
    this.storedSizeMax = roundUp(GRAIN_MARKER_SIZE + compressor.bound(WRITTEN_GRAIN_SIZE), SECTOR_SIZE);
  }

  encode(unit: Uint8Array, index: number, into: Uint8Array, at: number): number {
    const start = at + GRAIN_MARKER_SIZE;
    const storedSize = this.#compressor.compress(unit, into, start);
    const length = roundUp(GRAIN_MARKER_SIZE + storedSize, SECTOR_SIZE);
    if (storedSize === 0 || at + length > into.length)
      throw new HyperError('internal/unexpected', `A grain of ${unit.length} bytes did not fit into the room made for it.`);
    writeGrainMarker(into, at, { sector: index * GRAIN_SECTORS, storedSize });
    into.fill(0, start + storedSize, at + length);
    return length;
  }

  [Symbol.dispose](): void {
    this.#compressor[Symbol.dispose]();
  }
}
