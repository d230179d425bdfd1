import { HyperError, KIB, MIB, type ByteRange } from '@hypersdk/domain';
import { MemoryPlace, PassingPlace, type BodyPlace, type TakePiece } from './body-place.ts';
import { findFile, requirePlain, type FoundFile, type HttpWish } from './find-file.ts';
import { HttpConnection } from './http-connection.ts';
import { malformed } from './refusals.ts';
import { persist } from './persist.ts';
import { toRequest } from './request.ts';
import { contentRangeOf, type ResponseHead } from './response-head.ts';
import { changed, refusalOf } from './status-refusal.ts';
import { isSame } from './validator.ts';

/** One request: long enough that the time between two does not count, short enough to be asked for again. */
const RANGE_SIZE = MIB;
/** Bytes that are handed on at a time: few enough to stay in the processor's own cache on their way. */
const PIECE_SIZE = 128 * KIB;
/** Requests under way at once for one reader, each on a connection of its own; servers count those. */
const CONNECTIONS_MAX = 4;
/** Waits before a request is sent again, in milliseconds. Progress begins anew; after the last, the server is gone. */
const WAITS_MS = [0, 100, 500, 1000, 2000, 4000, 8000, 8000];
/** When it is first asked for, a server that is not there is not waited for, and one that hangs up only for a moment. */
const OPEN_WAITS_MS = [100, 400, 1000];
/** A server that hands out a byte and hangs up makes no progress. */
const PROGRESS_MIN = 64 * KIB;
/** The connection is over or the server busy; neither says anything about the file. */
const PASSING = ['http/lost', 'http/timeout', 'http/busy', 'http/unreachable'] as const;
const OPEN_PASSING = ['http/lost', 'http/busy'] as const;

interface Range extends ByteRange {
  /** Where the next `length` bytes go, when `done` are there. */
  readonly placeFor: (done: number, length: number) => BodyPlace;
  readonly signal: AbortSignal;
}

interface Asking extends ByteRange {
  readonly placeFor: (length: number) => BodyPlace;
  readonly signal: AbortSignal;
}

/** A file on a web server that is read in ranges, over several connections that are opened again when they break. All of it is of one content, or an error. */
export class RangeFile implements Disposable {
  readonly size: number;
  readonly #wish: HttpWish;
  readonly #found: FoundFile;
  readonly #stop = new AbortController();
  readonly #idle: HttpConnection[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #buffers: Uint8Array[] = [];
  #lastSignals: { readonly given: AbortSignal; readonly either: AbortSignal } | undefined;
  #underWay = 0;

  private constructor(wish: HttpWish, found: FoundFile) {
    this.size = found.size;
    this.#wish = wish;
    this.#found = found;
  }

  static async open(wish: HttpWish, o: { readonly signal: AbortSignal }): Promise<RangeFile> {
    return new RangeFile(wish, await persist(async () => findFile(wish, o), { ...o, waitsMs: OPEN_WAITS_MS, passing: OPEN_PASSING }));
  }

  /** What names its content: entity tag or time of last change, and size. */
  get content(): string {
    const { size, validator } = this.#found;
    return JSON.stringify([validator.condition, validator.value, size]);
  }

  /** Nothing is written to `into` once the promise has settled, also after a stop. */
  async read(offset: number, into: Uint8Array, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const either = this.#either(signal);
    const ranges: Promise<void>[] = [];
    let failure: { readonly reason: unknown } | undefined;
    const failed = (reason: unknown): void => void (failure ??= { reason });
    for (let at = 0; at < into.length && !failure; at += RANGE_SIZE) {
      await this.#turn();
      const part = into.subarray(at, at + RANGE_SIZE);
      const placeFor = (done: number, length: number): BodyPlace => new MemoryPlace(part.subarray(done, done + length));
      // Taken note of at once: a failure that nobody looks at yet would end the process.
      ranges.push(this.#readRange({ offset: offset + at, length: part.length, placeFor, signal: either }).catch(failed));
    }
    await Promise.all(ranges);
    if (failure) throw failure.reason;
  }

  /**
   * Hands the range out piece by piece, in order, as it arrives: one request, whose bytes are still in the processor's cache when they are taken.
   * Nothing is taken any more once the promise has settled. What `take` throws ends it.
   */
  async pass({ offset, length }: ByteRange, take: TakePiece, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#turn();
    const buffer = this.#buffers.pop() ?? Buffer.allocUnsafeSlow(PIECE_SIZE);
    const placeFor = (_done: number, left: number): BodyPlace => new PassingPlace(left, { buffer, take });
    await this.#readRange({ offset, length, placeFor, signal: this.#either(signal) });
    this.#buffers.push(buffer);
  }

  /** Readers mostly bring the same signal each time, and a signal of two is dear. */
  #either(signal: AbortSignal): AbortSignal {
    if (this.#lastSignals?.given !== signal) this.#lastSignals = { given: signal, either: AbortSignal.any([signal, this.#stop.signal]) };
    return this.#lastSignals.either;
  }

  async #readRange(range: Range): Promise<void> {
    const { offset, length, placeFor, signal } = range;
    let done = 0;
    let counted = 0;
    const readRest = async (): Promise<void> => {
      while (done < length)
        await this.#ask(
          { offset: offset + done, length: length - done, signal, placeFor: (left) => placeFor(done, left) },
          (count) => (done += count),
        );
    };
    const hasProgressed = (): boolean => {
      const gained = done - counted;
      counted = done;
      return gained >= PROGRESS_MIN;
    };
    try {
      await persist(readRest, { signal, waitsMs: WAITS_MS, passing: PASSING, hasProgressed });
    } finally {
      this.#underWay -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** Asks for all that is left of a range; the server may answer with less, from its start. */
  async #ask({ offset, length, placeFor, signal }: Asking, took: (count: number) => void): Promise<void> {
    signal.throwIfAborted();
    const connection = await this.#connection(signal);
    const stop = (): void => connection.fail(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const request = toRequest(this.#found, { offset, length });
    let place: BodyPlace | undefined;
    try {
      await connection.exchange(request, (head) => (place = placeFor(this.#admit(head, { offset, length }))));
      if (!connection.failure) this.#idle.push(connection);
    } finally {
      signal.removeEventListener('abort', stop);
      took(place?.done ?? 0);
    }
  }

  /** Answers how many bytes of what was asked for the server sends. */
  #admit(head: ResponseHead, { offset, length }: ByteRange): number {
    const { target, validator, size } = this.#found;
    if (head.status === 200 && !isSame(validator, head)) throw changed(target, 'another file lies there now');
    if (head.status !== 206) throw refusalOf(head, target);
    requirePlain(head);
    const range = contentRangeOf(head);
    if (range.size !== size) throw changed(target, `it has ${range.size} bytes instead of ${size}`);
    if (!isSame(validator, head)) throw changed(target, 'it bears another tag or time');
    if (range.offset !== offset || range.length > length) {
      throw malformed(`answers with ${range.length} bytes at byte ${range.offset} when ${length} at byte ${offset} were asked for`);
    }
    // A part of a range is a fair answer; crumbs would take for ever.
    if (range.length < Math.min(length, PROGRESS_MIN)) throw malformed(`answers with ${range.length} bytes when ${length} were asked for`);
    return range.length;
  }

  async #connection(signal: AbortSignal): Promise<HttpConnection> {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) if (!idle.failure) return idle;
    const { authority, silenceMs } = this.#wish;
    const { target, addresses } = this.#found;
    return HttpConnection.open(target, {
      signal,
      addresses,
      ...(authority === undefined ? {} : { authority }),
      ...(silenceMs === undefined ? {} : { silenceMs }),
    });
  }

  async #turn(): Promise<void> {
    if (this.#underWay >= CONNECTIONS_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#underWay += 1;
  }

  [Symbol.dispose](): void {
    this.#stop.abort(new HyperError('transfer/cancelled', 'The file on the web server was closed.'));
    for (const connection of this.#idle) connection[Symbol.dispose]();
  }
}
