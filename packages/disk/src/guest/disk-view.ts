import { endOf, HyperError, KIB, MIB, type ByteRange } from '@hypersdk/domain';
import { Fields } from './fields.ts';
import { checkRange, type Span } from './span.ts';

/** What a look needs of a disk. */
export interface ReadableDisk {
  readonly virtualSize: number;
  read(offset: number, into: Uint8Array): void;
}

export interface LookLimits {
  /** The longest that a look takes; a disk that answers slowly is not looked at to the end. */
  readonly timeMs: number;
  /** Told of by whoever fetches what is read, when it was enough. */
  isEnough?(): boolean;
}

/** Structures lie close together, so a page brings several of them. */
const PAGE_SIZE = 16 * KIB;
/** 2 MiB: all of the tables that one file system makes one go back to. */
const PAGES_KEPT = 128;
/** 24 MiB read from the image. A look at a full Windows takes a quarter of it. */
const PAGES_MAX = 1536;
/** Reads of structures: what a circle that the other limits miss would run into, after some 200 ms. */
const READS_MAX = 200_000;

/** Bytes handed out, most of them again and again: what large structures in a circle would cost, after some 100 ms. */
const BYTES_MAX = 128 * MIB;
/** Reads between two looks at the clock. */
const READS_PER_LOOK = 64;

/** The disk as a span that remembers pages and ends a look which costs too much. */
export class DiskView implements Span {
  readonly size: number;
  readonly #disk: ReadableDisk;
  readonly #pages = new Map<number, Buffer>();
  readonly #timeEnd: number;
  readonly #isEnough: () => boolean;
  #pagesRead = 0;
  #reads = 0;
  #bytesRead = 0;
  #exhausted = false;

  constructor(disk: ReadableDisk, limits: LookLimits) {
    this.#disk = disk;
    this.size = disk.virtualSize;
    this.#timeEnd = performance.now() + limits.timeMs;
    this.#isEnough = () => limits.isEnough?.() ?? false;
  }

  /** Whether a limit was reached; every further read is refused. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  read(range: ByteRange, what: string): Fields {
    checkRange(this, range, what);
    this.#reads += 1;
    this.#bytesRead += range.length;
    if (this.#reads > READS_MAX || this.#bytesRead > BYTES_MAX) this.#giveUp();
    if (this.#reads % READS_PER_LOOK === 0 && performance.now() > this.#timeEnd) this.#giveUp();
    const bytes = Buffer.allocUnsafe(range.length);
    for (let at = range.offset; at < endOf(range);) {
      const index = Math.floor(at / PAGE_SIZE);
      const start = at - index * PAGE_SIZE;
      at += this.#page(index).copy(bytes, at - range.offset, start, start + endOf(range) - at);
    }
    return new Fields(bytes, what);
  }

  #page(index: number): Buffer {
    const known = this.#pages.get(index);
    if (known) return known;
    this.#pagesRead += 1;
    if (this.#pagesRead > PAGES_MAX || performance.now() > this.#timeEnd || this.#isEnough()) this.#giveUp();
    const offset = index * PAGE_SIZE;
    const page = Buffer.alloc(Math.min(PAGE_SIZE, this.size - offset));
    this.#disk.read(offset, page);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size >= PAGES_KEPT && oldest !== undefined) this.#pages.delete(oldest);
    this.#pages.set(index, page);
    return page;
  }

  #giveUp(): never {
    this.#exhausted = true;
    throw new HyperError('image/too-large', 'The look ended at its limit of time and bytes.');
  }
}
