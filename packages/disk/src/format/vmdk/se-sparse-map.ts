// Tables of SESPARSE extents, as vSphere writes them: a directory of table numbers, tables of grain numbers, every entry of 64 bits with its kind in the upper four.
import { endOf } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { checkCapacity, type ExtentParts } from './extent-parts.ts';
import { GrainClaims } from './grain-claims.ts';
import { toRising } from './grain-directory.ts';
import type { GrainMap, GrainPlace } from './grain-map.ts';
import { overlaps } from './metadata-areas.ts';
import { readSeSparseHeader, SE_GRAIN_SIZE, SE_TABLE_ENTRIES, SE_TABLE_SIZE, type SeSparseHeader } from './se-sparse-header.ts';
import { SparseExtent } from './sparse-extent.ts';
import { SECTOR_SIZE } from './vmdk-limits.ts';
import { malformed } from './vmdk-refusal.ts';

/** Decoded tables held at once: 2 MiB, 1 GiB of disk. */
const TABLES_KEPT = 64;
/** The directory is read in pieces of this many bytes. */
const PIECE_SIZE = 64 * 1024;

/** The upper half of a directory entry whose table exists; the lower half is the table's number. */
const TABLE_EXISTS = 0x1000_0000;
/** The upper four bits of a table entry. An unmapped grain was given back by the guest: its entry still names a place, and it reads as zeros. */
const KIND = { absent: 0, unmapped: 1, zero: 2, stored: 3 } as const;
/** In a decoded table. No grain lies at either place: the header does. */
const HOLE = 0;
const ZERO = 1;

export function openSeSparse(parts: ExtentParts): SparseExtent {
  const { line, file, below } = parts;
  const header = readSeSparseHeader(file);
  checkCapacity(parts, { capacity: header.capacity, grainSize: SE_GRAIN_SIZE });
  return new SparseExtent({
    length: line.length,
    file,
    facts: { version: 2, uncleanShutdown: false },
    map: new SeSparseMap(file, header),
    inflater: undefined,
    below,
  });
}

/** Finds grains through a directory that is held in memory, at 4 bytes for 16 MiB of disk, and tables that are read and checked as they are needed. */
class SeSparseMap implements GrainMap {
  readonly grainSize = SE_GRAIN_SIZE;
  readonly tableSpan = SE_GRAIN_SIZE * SE_TABLE_ENTRIES;
  readonly #file: ByteFile;
  readonly #header: SeSparseHeader;
  /** One more than the number of each table, 0 for those that do not exist. */
  readonly #tables: Uint32Array;
  readonly #kept: { index: number; readonly places: Float64Array }[] = [];
  readonly #bytes = new Uint8Array(SE_TABLE_SIZE);
  readonly #checked: Uint8Array;
  readonly #claims = new GrainClaims(SE_GRAIN_SIZE / SECTOR_SIZE);
  /** No area lies beyond. */
  readonly #areasEnd: number;

  constructor(file: ByteFile, header: SeSparseHeader) {
    this.#file = file;
    this.#header = header;
    this.#tables = readDirectory(file, header);
    this.#checked = new Uint8Array(this.#tables.length);
    this.#areasEnd = Math.max(...header.areas.map(endOf));
  }

  get tableCount(): number {
    return this.#tables.length;
  }

  grain(index: number): GrainPlace {
    const place = this.#table(Math.floor(index / SE_TABLE_ENTRIES))?.[index % SE_TABLE_ENTRIES] ?? HOLE;
    if (place === HOLE) return 'hole';
    return place === ZERO ? 'zero' : place;
  }

  nextUsed(index: number, end: number): number {
    for (let at = index; at < end; at += 1) if ((this.#tables[at] ?? 0) > 0) return at;
    return end;
  }

  #table(index: number): Float64Array | undefined {
    const kept = this.#kept[index % TABLES_KEPT];
    if (kept?.index === index) return kept.places;
    const number = this.#tables[index] ?? 0;
    if (number === 0) return undefined;

    const slot = kept ?? { index, places: new Float64Array(SE_TABLE_ENTRIES) };
    slot.index = -1;
    this.#load(index, this.#header.tables.offset + (number - 1) * SE_TABLE_SIZE, slot.places);
    this.#checked[index] = 1;
    slot.index = index;
    this.#kept[index % TABLES_KEPT] = slot;
    return slot.places;
  }

  #load(index: number, offset: number, into: Float64Array): void {
    this.#file.read(offset, this.#bytes);
    const view = new DataView(this.#bytes.buffer);
    for (let at = 0; at < SE_TABLE_ENTRIES; at += 1) {
      const [low, high] = [view.getUint32(at * 8, true), view.getUint32(at * 8 + 4, true)];
      const why = this.#decode(low, high, { at, into, check: this.#checked[index] === 0 });
      if (why !== undefined) throw malformed(`grain ${index * SE_TABLE_ENTRIES + at} ${why}`, { path: this.#file.path, offset: offset + at * 8 });
    }
  }

  /** Puts the place of a grain into the table; answers why it may not be there. Runs for every grain of a disk, so it makes no objects unless it must. */
  #decode(
    low: number,
    high: number,
    { at, into, check }: { readonly at: number; readonly into: Float64Array; readonly check: boolean },
  ): string | undefined {
    switch (high >>> 28) {
      case KIND.absent:
        into[at] = HOLE;
        return low === 0 && high === 0 ? undefined : 'is said not to exist, and yet has a place';
      case KIND.unmapped:
      case KIND.zero:
        into[at] = ZERO;
        return undefined;
      case KIND.stored: {
        // The number's lowest 12 bits lie in bits 48 to 59, the others in bits 0 to 47.
        const number = ((high >>> 16) & 0xfff) + low * 2 ** 12 + (high & 0xffff) * 2 ** 44;
        const place = this.#header.grainsOffset + number * SE_GRAIN_SIZE;
        into[at] = place;
        return check ? this.#fault(place) : undefined;
      }
      default:
        return `is of a kind that is not known, ${high >>> 28}`;
    }
  }

  #fault(place: number): string | undefined {
    if (place + SE_GRAIN_SIZE > this.#file.size) return `is said to lie at byte ${place}, but the file ends at ${this.#file.size}`;
    if (place < this.#areasEnd) {
      const area = this.#header.areas.find((other) => overlaps(other, { offset: place, length: SE_GRAIN_SIZE }));
      if (area) return `is said to lie inside the ${area.what}`;
    }
    // Of an extent with more grains than can be remembered, not all are.
    return this.#claims.claim(place / SECTOR_SIZE) === 'overlap' ? 'shares its bytes with another grain' : undefined;
  }
}

function readDirectory(file: ByteFile, { directory, tables }: SeSparseHeader): Uint32Array {
  const numbers = new Uint32Array(directory.length / 8);
  const count = Math.floor(tables.length / SE_TABLE_SIZE);
  const piece = new Uint8Array(Math.min(PIECE_SIZE, directory.length));
  const wrong = (index: number, why: string): never => {
    throw malformed(`grain table ${index} ${why}`, { path: file.path, offset: directory.offset + index * 8 });
  };
  for (let done = 0; done < directory.length; done += piece.length) {
    const bytes = piece.subarray(0, Math.min(piece.length, directory.length - done));
    file.read(directory.offset + done, bytes);
    const view = new DataView(bytes.buffer, 0, bytes.length);
    for (let at = 0; at < bytes.length; at += 8) {
      const [low, high] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
      const index = (done + at) / 8;
      if (low === 0 && high === 0) continue;
      if (high !== TABLE_EXISTS) wrong(index, 'has an entry of a kind that is not known');
      if (low >= count) wrong(index, `is said to be number ${low} of ${count}`);
      numbers[index] = low + 1;
    }
  }
  const rising = toRising(numbers);
  const clash = rising.findIndex((number, at) => number === rising[at - 1]);
  if (clash >= 0) wrong(numbers.lastIndexOf(rising[clash] ?? 0), 'shares its bytes with another grain table');
  return numbers;
}
