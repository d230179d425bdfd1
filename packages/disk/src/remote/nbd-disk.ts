import { createHash } from 'node:crypto';
import { endOf, KIB, LEAF_SIZE, roundDown, roundUp, type ByteRange, type Extent } from '@hypersdk/domain';
import type { Cancel, NbdLocator } from '@hypersdk/ports';
import type { DiskSource, Pending, TakeAt } from '../locator/disk-source.ts';
import type { NbdLink } from './nbd-link.ts';
import { NbdMap } from './nbd-map.ts';

/** One request. Many of these under way keep server, line and reader busy at once (bench/RESULTS.md); larger ones only come later. */
const PIECE_SIZE = 256 * KIB;
/** Requests under way on one connection: what servers work on at once, and a few in the line. */
const UNDER_WAY_MAX = 32;

/** Of those, for one leaf whose bytes are handed out in order: as many as a leaf has by default. */
const AHEAD_MAX = 16;

/** A piece on its way. */
interface Fetching {
  readonly piece: ByteRange;
  /** Where it comes to, at least as long as it is. */
  readonly bytes: () => Uint8Array;
  /** Settles when nothing comes any more; never rejects. */
  readonly failure: Promise<{ readonly reason: unknown } | undefined>;
}

/** An export of an NBD server as a source of leaves. Reads are cut into pieces that are all under way at once. */
export class NbdDisk implements Omit<DiskSource, 'read' | 'pass'> {
  readonly virtualSize: number;
  readonly files = [] as const;
  readonly mark: string;
  readonly isSingle: boolean;
  readonly #link: NbdLink;
  readonly #map: NbdMap;
  readonly #pieceSize: number;
  readonly #waiting: (() => void)[] = [];
  readonly #buffers: Uint8Array[] = [];
  #underWay = 0;

  constructor(link: NbdLink, locator: NbdLocator) {
    const about = link.export;
    this.virtualSize = about.size;
    this.mark = nbdMark(locator);
    this.isSingle = locator.isSingle || !about.canMultiConn;
    this.#link = link;
    this.#map = new NbdMap(about, { bitmap: locator.bitmap, ask: (range) => link.map(range) });
    const { minimum, preferred, maximum } = about.blockSize;
    this.#pieceSize = Math.max(minimum, Math.min(roundDown(maximum, minimum), LEAF_SIZE, Math.max(PIECE_SIZE, preferred)));
  }

  extents(range: ByteRange): Iterable<Extent | Pending> {
    return this.#map.extents(range);
  }

  /** Nothing is written to `into` once the promise has settled, also after a stop. */
  async read(offset: number, into: Uint8Array, o: Cancel): Promise<void> {
    const { minimum } = this.#link.export.blockSize;
    if (offset % minimum !== 0 || into.length % minimum !== 0) {
      await this.#turn();
      return this.#inTurn(this.#readUnaligned(offset, into, o));
    }
    const pieces: Promise<void>[] = [];
    for (let at = 0; at < into.length; at += this.#pieceSize) {
      await this.#turn();
      const piece = into.subarray(at, at + this.#pieceSize);
      const reading = this.#inTurn(this.#link.read({ offset: offset + at, length: piece.length }, () => piece, o));
      // Nobody looks at it while the next piece waits for its turn; a failure that nobody looks at would end the thread.
      reading.catch(() => {});
      pieces.push(reading);
    }
    // Whoever gets the buffer next must not share it with an answer that is still under way.
    const ends = await Promise.allSettled(pieces);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** Requests go out well ahead of the piece whose turn it is. */
  async pass(ranges: readonly ByteRange[], take: TakeAt, o: Cancel): Promise<void> {
    const ahead: Fetching[] = [];
    const handOut = async ({ piece, bytes, failure }: Fetching): Promise<void> => {
      const failed = await failure;
      if (failed) throw failed.reason;
      take(piece.offset, bytes().subarray(0, piece.length));
      this.#buffers.push(bytes());
    };
    const pieces = Array.from(cut(ranges, this.#pieceSize));
    let asked = 0;
    try {
      while (asked < pieces.length || ahead.length > 0) {
        // Several at a time, in one message.
        const isLow = ahead.length <= AHEAD_MAX / 2;
        for (const piece of pieces.slice(asked, isLow ? asked + AHEAD_MAX - ahead.length : asked)) {
          if (this.#isBusy) await this.#turn();
          else this.#underWay += 1;
          ahead.push(this.#fetch(piece, o));
          asked += 1;
        }
        const first = ahead.shift();
        if (first) await handOut(first);
      }
    } finally {
      // Nothing may come any more when the promise settles.
      await Promise.all(ahead.map(({ failure }) => failure));
    }
  }

  /** The buffer is chosen when the answer begins to come: mostly the one that was just given back, which the processor still has at hand. */
  #fetch(piece: ByteRange, o: Cancel): Fetching {
    const { minimum } = this.#link.export.blockSize;
    let buffer: Uint8Array | undefined;
    const bytes = (): Uint8Array => (buffer ??= this.#buffers.pop() ?? Buffer.allocUnsafeSlow(this.#pieceSize));
    const isAligned = piece.offset % minimum === 0 && piece.length % minimum === 0;
    const fetched = isAligned
      ? this.#link.read(piece, () => bytes().subarray(0, piece.length), o)
      : this.#readUnaligned(piece.offset, bytes().subarray(0, piece.length), o);
    return { piece, bytes, failure: this.#inTurn(fetched).then(noFailure, (reason: unknown) => ({ reason })) };
  }

  async #inTurn(work: Promise<void>): Promise<void> {
    try {
      await work;
    } finally {
      this.#underWay -= 1;
      this.#waiting.shift()?.();
    }
  }

  get #isBusy(): boolean {
    return this.#underWay >= UNDER_WAY_MAX;
  }

  async #turn(): Promise<void> {
    if (this.#isBusy) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#underWay += 1;
  }

  /** The blocks around the range, one request after the other, and of them the part that was asked for: rare, since leaves and extents lie on blocks. */
  async #readUnaligned(offset: number, into: Uint8Array, o: Cancel): Promise<void> {
    const { minimum } = this.#link.export.blockSize;
    for (let at = offset; at < offset + into.length;) {
      const start = roundDown(at, minimum);
      const end = Math.min(start + this.#pieceSize, roundUp(endOf({ offset, length: into.length }), minimum));
      const blocks = Buffer.allocUnsafe(end - start);
      await this.#link.read({ offset: start, length: blocks.length }, () => blocks, o);
      const taken = Math.min(end, offset + into.length) - at;
      into.set(blocks.subarray(at - start, at - start + taken), at - offset);
      at += taken;
    }
  }

  /** Lets go of every buffer at once; those who were not stopped ask again. */
  interrupt(): void {
    this.#link.interrupt();
  }

  [Symbol.dispose](): void {
    this.#link[Symbol.dispose]();
  }
}

function* cut(ranges: readonly ByteRange[], size: number): Generator<ByteRange> {
  for (const { offset, length } of ranges)
    for (let at = 0; at < length; at += size) yield { offset: offset + at, length: Math.min(size, length - at) };
}

const noFailure = (): undefined => undefined;

/**
 * The name of the export and of the point in time, without asking anybody: some servers take a single connection in their life, and that one is for the copy.
 * Its size is held fast beside it, its description while the copy runs; that its content is the same is the caller's word.
 */
export function nbdMark(locator: NbdLocator): string {
  const named = JSON.stringify([locator.exportName, locator.bitmap ?? '']);
  return `nbd:${createHash('sha256').update(named).digest('hex').slice(0, 32)}:${locator.pointInTime}`;
}
