const PAGE_SIZE = 4096;
const SLOTS_PER_PAGE = PAGE_SIZE * 8;

/** Bit pages held at most: 16 MiB, enough for a full file of 2 TiB in grains of 16 KiB. */
const PAGES_MAX = 4096;
/** Programs align all grains of a file alike; a file that two programs wrote to has two alignments. */
const ALIGNMENTS_MAX = 8;

/** The grains whose first sector leaves that remainder, and a bit for each that is taken. */
interface AlignedGrains {
  readonly remainder: number;
  readonly pages: Map<number, Uint8Array>;
}

/**
 * Remembers which parts of a file belong to a grain, so that a second grain there is noticed: one bit a grain.
 * Grains all have one length but need not be aligned to it, so there is one bit map for each remainder seen.
 */
export class GrainClaims {
  readonly #grainSectors: number;
  readonly #maps: AlignedGrains[] = [];
  #pages = 0;

  constructor(grainSectors: number) {
    this.#grainSectors = grainSectors;
  }

  /** Claims the grain that begins at the sector; answers what is wrong when it may not. */
  claim(sector: number): 'overlap' | 'too-many' | undefined {
    const remainder = sector % this.#grainSectors;
    let own: AlignedGrains | undefined;
    for (const grains of this.#maps) {
      if (grains.remainder === remainder) own = grains;
      // The last grain of that alignment that begins at or before this one, and the one after it.
      const before = Math.floor((sector - grains.remainder) / this.#grainSectors);
      if (before >= 0 && isTaken(grains.pages, before)) return 'overlap';
      if (grains !== own && isTaken(grains.pages, before + 1)) return 'overlap';
    }
    own ??= this.#align(remainder);
    return own && this.#take(own.pages, Math.floor(sector / this.#grainSectors)) ? undefined : 'too-many';
  }

  #align(remainder: number): AlignedGrains | undefined {
    if (this.#maps.length >= ALIGNMENTS_MAX) return undefined;
    const grains = { remainder, pages: new Map<number, Uint8Array>() };
    this.#maps.push(grains);
    return grains;
  }

  #take(pages: Map<number, Uint8Array>, slot: number): boolean {
    const number = Math.floor(slot / SLOTS_PER_PAGE);
    let page = pages.get(number);
    if (!page) {
      if (this.#pages >= PAGES_MAX) return false;
      page = new Uint8Array(PAGE_SIZE);
      pages.set(number, page);
      this.#pages += 1;
    }
    const bit = slot % SLOTS_PER_PAGE;
    page[bit >>> 3] = (page[bit >>> 3] ?? 0) | (1 << (bit & 7));
    return true;
  }
}

function isTaken(pages: ReadonlyMap<number, Uint8Array>, slot: number): boolean {
  const bit = slot % SLOTS_PER_PAGE;
  const byte = pages.get(Math.floor(slot / SLOTS_PER_PAGE))?.[bit >>> 3] ?? 0;
  return (byte & (1 << (bit & 7))) !== 0;
}
