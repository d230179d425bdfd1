/** Chunks in one page of the set: 4 GiB of a file. */
const PAGE_COUNT = 65_536;

/** Which chunks of a file are sealed: a bit for each, in pages that come with the file, so 16 MiB for each 8 TiB. */
export class ChunkSet {
  readonly #pages = new Map<number, Uint8Array>();

  has(index: number): boolean {
    const page = this.#pages.get(Math.floor(index / PAGE_COUNT));
    return page !== undefined && ((page[Math.floor((index % PAGE_COUNT) / 8)] ?? 0) & (1 << (index % 8))) !== 0;
  }

  add(first: number, count: number): void {
    for (let index = first; index < first + count; index += 1) {
      const number = Math.floor(index / PAGE_COUNT);
      const page = this.#pages.get(number) ?? new Uint8Array(PAGE_COUNT / 8);
      this.#pages.set(number, page);
      const byte = Math.floor((index % PAGE_COUNT) / 8);
      page[byte] = (page[byte] ?? 0) | (1 << (index % 8));
    }
  }
}
