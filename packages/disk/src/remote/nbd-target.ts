import { endOf, HyperError, KIB, MIB, roundDown, roundUp, type ByteRange, type Extent } from '@hypersdk/domain';
import type { Cancel, NbdLocator } from '@hypersdk/ports';
import type { Pending } from '../locator/disk-source.ts';
import { NbdLink } from './nbd-link.ts';
import { NbdMap } from './nbd-map.ts';
import { toWish } from './open-nbd-disk.ts';

/** One write. As for reads, many under way keep all busy; larger ones only come later. */
const PIECE_SIZE = 256 * KIB;
/** Changes under way on one connection. */
const UNDER_WAY_MAX = 32;
/** A server that has no way to make zeros but to write them needs its time for each of these, and must not seem silent. */
const ZERO_PIECE = 64 * MIB;

/** An export of an NBD server as a place to write to. */
export class NbdTarget implements Disposable {
  readonly size: number;
  /** Its server takes one connection at a time, or sees writes of one only. */
  readonly isSingle: boolean;
  readonly #link: NbdLink;
  readonly #map: NbdMap;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  private constructor(link: NbdLink, locator: NbdLocator) {
    const about = link.export;
    this.size = about.size;
    this.isSingle = locator.isSingle || !about.canMultiConn;
    this.#link = link;
    this.#map = new NbdMap(about, { bitmap: undefined, ask: (range) => link.map(range) });
  }

  /** `endures`: a connection that breaks is made anew, which takes somebody who reads all back. */
  static async open(locator: NbdLocator, o: Cancel & { readonly endures: boolean }): Promise<NbdTarget> {
    const { bitmap: _, ...rest } = locator;
    const link = await NbdLink.open(await toWish(rest), { signal: o.signal, ...(o.endures ? {} : { waitsMs: [] }) });
    if (!link.export.readOnly) return new NbdTarget(link, locator);
    link[Symbol.dispose]();
    throw new HyperError('target/read-only', `The export ${JSON.stringify(locator.exportName)} is read-only; its server refuses every write.`);
  }

  /** Where it holds data now, as its server tells; all of it where that tells nothing. */
  extents(): Iterable<Extent | Pending> {
    return this.#map.extents({ offset: 0, length: this.size });
  }

  get tellsExtents(): boolean {
    return this.#link.export.contexts.size > 0;
  }

  /** On blocks of the server; settles when all of it is answered. The bytes belong to it until then. */
  async write(offset: number, bytes: Uint8Array, o: Cancel): Promise<void> {
    const { minimum, preferred, maximum } = this.#link.export.blockSize;
    const pieceSize = Math.max(minimum, Math.min(roundDown(maximum, minimum), Math.max(PIECE_SIZE, preferred)));
    await this.#inPieces({ offset, length: bytes.length }, pieceSize, (piece) =>
      this.#link.write(piece.offset, bytes.subarray(piece.offset - offset, endOf(piece) - offset), o),
    );
  }

  /** The range, on blocks of the server, reads as zeros afterwards. */
  async zero(range: ByteRange, o: Cancel): Promise<void> {
    if (this.#link.export.canZero) return this.#inPieces(range, ZERO_PIECE, (piece) => this.#link.zero(piece, o));
    const zeros = new Uint8Array(Math.min(PIECE_SIZE, range.length));
    await this.#inPieces(range, PIECE_SIZE, ({ offset, length }) => this.#link.write(offset, zeros.subarray(0, length), o));
  }

  async read(offset: number, into: Uint8Array, o: Cancel): Promise<void> {
    await this.#inPieces({ offset, length: into.length }, PIECE_SIZE, (piece) =>
      this.#link.read(piece, () => into.subarray(piece.offset - offset, endOf(piece) - offset), o),
    );
  }

  /** What was written over any connection is on the medium; where the server knows no flush, as far as it goes. */
  async flush(o: Cancel): Promise<void> {
    if (this.#link.export.canFlush) await this.#link.flush(o);
  }

  /** The smallest range of whole blocks around one. */
  toBlocks({ offset, length }: ByteRange): ByteRange {
    const { minimum } = this.#link.export.blockSize;
    const start = roundDown(offset, minimum);
    return { offset: start, length: roundUp(offset + length, minimum) - start };
  }

  async #inPieces(range: ByteRange, size: number, change: (piece: ByteRange) => Promise<void>): Promise<void> {
    const pieces: Promise<void>[] = [];
    for (let at = range.offset; at < endOf(range); at += size) {
      await this.#turn();
      pieces.push(change({ offset: at, length: Math.min(size, endOf(range) - at) }).finally(() => this.#done()));
    }
    // Whoever gets the buffer next must not share it with a write that is still under way.
    const ends = await Promise.allSettled(pieces);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  async #turn(): Promise<void> {
    if (this.#underWay >= UNDER_WAY_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#underWay += 1;
  }

  #done(): void {
    this.#underWay -= 1;
    this.#waiting.shift()?.();
  }

  interrupt(): void {
    this.#link.interrupt();
  }

  [Symbol.dispose](): void {
    this.#link[Symbol.dispose]();
  }
}

/** A target that several on this thread have open. */
interface Shared {
  readonly target: Promise<NbdTarget>;
  users: number;
}

/** As with sources, each thread has one connection: what is written over it is flushed over it. */
const opened = new Map<string, Shared>();

export async function shareNbdTarget(
  locator: NbdLocator,
  o: Cancel & { readonly endures: boolean },
): Promise<Disposable & { readonly target: NbdTarget }> {
  const key = JSON.stringify(locator);
  const shared = opened.get(key) ?? { target: NbdTarget.open(locator, o), users: 0 };
  shared.users += 1;
  opened.set(key, shared);
  const leave = (): void => {
    shared.users -= 1;
    if (shared.users > 0) return;
    opened.delete(key);
    shared.target.then(
      (target) => target[Symbol.dispose](),
      () => undefined,
    );
  };
  try {
    const target = await shared.target;
    const stop = (): void => target.interrupt();
    o.signal.addEventListener('abort', stop, { once: true });
    return {
      target,
      [Symbol.dispose]: () => {
        o.signal.removeEventListener('abort', stop);
        leave();
      },
    };
  } catch (error) {
    leave();
    throw error;
  }
}
