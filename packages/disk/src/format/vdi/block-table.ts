// VirtualBox VDI: an entry is the number of a block in the file, or one of two marks.
import { KIB } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { Header } from './header.ts';
import { malformed } from './vdi-refusal.ts';

/** Never written: zeros, or what the parent holds. */
const ABSENT = 0xffff_ffff;
/** Discarded by the guest: zeros, whatever the parent holds. */
const DISCARDED = 0xffff_fffe;

/** A table of up to 256 MiB is read in pages: one maps 16 GiB of a disk with blocks of 1 MiB. */
const PAGE_SIZE = 64 * KIB;
const PAGE_ENTRIES = PAGE_SIZE / 4;
const PAGES_KEPT = 16;

/** What the table says of a block: absent, discarded, or where its content begins. */
export type BlockPlace = 'absent' | 'discarded' | number;

/** Reads the block table as it is needed, keeps a few pages, and checks each when it is read for the first time. */
export class BlockTable {
  readonly #file: ByteFile;
  readonly #header: Header;
  readonly #count: number;
  readonly #pages = new Map<number, Uint32Array>();
  readonly #checked: Uint8Array;
  /** A bit for each block of the file, set when an entry of the table has it. */
  readonly #taken: Uint8Array;
  #page: { readonly number: number; readonly entries: Uint32Array } = { number: -1, entries: new Uint32Array(0) };

  constructor(file: ByteFile, header: Header) {
    this.#file = file;
    this.#header = header;
    // A table may be larger than the disk needs; what does not map the disk is not read.
    this.#count = Math.ceil(header.virtualSize / header.blockSize);
    this.#checked = new Uint8Array(Math.ceil(this.#count / PAGE_ENTRIES));
    this.#taken = new Uint8Array(Math.ceil(header.blockCount / 8));
  }

  placeOf(index: number): BlockPlace {
    const entry = this.#entry(index);
    if (entry === ABSENT) return 'absent';
    if (entry === DISCARDED) return 'discarded';
    return this.#header.contentOffset + entry * this.#header.blockSize;
  }

  /** How many blocks from `index` on, at most up to `end`, continue what is said of the first: the same mark, or content that follows in the file. */
  runLength(index: number, end: number): number {
    const first = this.#entry(index);
    const step = first === ABSENT || first === DISCARDED ? 0 : 1;
    let at = index + 1;
    while (at < end && this.#entry(at) === first + step * (at - index)) at += 1;
    return at - index;
  }

  #entry(index: number): number {
    const number = Math.floor(index / PAGE_ENTRIES);
    if (number !== this.#page.number) this.#page = { number, entries: this.#pages.get(number) ?? this.#load(number) };
    return this.#page.entries[index % PAGE_ENTRIES] ?? ABSENT;
  }

  #load(number: number): Uint32Array {
    const first = number * PAGE_ENTRIES;
    const bytes = Buffer.alloc(Math.min(PAGE_ENTRIES, this.#count - first) * 4);
    this.#file.read(this.#header.tableOffset + first * 4, bytes);
    const entries = Uint32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readUInt32LE(at * 4));
    if (this.#checked[number] === 0) entries.forEach((entry, at) => this.#check(entry, first + at));
    this.#checked[number] = 1;
    if (this.#pages.size >= PAGES_KEPT) this.#dropOldest();
    this.#pages.set(number, entries);
    return entries;
  }

  #check(entry: number, index: number): void {
    if (entry === ABSENT || entry === DISCARDED) return;
    const { tableOffset, contentOffset, blockSize, blockCount } = this.#header;
    const { path, size } = this.#file;
    const at = { path, offset: tableOffset + index * 4 };
    if (entry >= blockCount) throw malformed(`block ${index} is said to be the ${entry}th of the file, which can have ${blockCount}`, at);
    const end = contentOffset + (entry + 1) * blockSize;
    if (end > size) throw malformed(`block ${index} is said to end at byte ${end}, but the file ends at ${size}`, at);
    const byte = Math.floor(entry / 8);
    const bit = 1 << (entry % 8);
    const taken = this.#taken[byte] ?? 0;
    if ((taken & bit) !== 0) throw malformed(`block ${index} shares its bytes with another block`, at);
    this.#taken[byte] = taken | bit;
  }

  #dropOldest(): void {
    for (const oldest of this.#pages.keys()) {
      this.#pages.delete(oldest);
      break;
    }
  }
}
