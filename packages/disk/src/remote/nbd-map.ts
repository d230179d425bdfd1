import { HyperError, roundDown, type ByteRange, type Extent } from '@hypersdk/domain';
import { ALLOCATION_CONTEXT, AllocationFlag, type ContextMap, type ContextRun, type NbdExport } from '@hypersdk/wire';
import type { Pending } from '../locator/disk-source.ts';
import { ExtentPage } from './extent-page.ts';

/** Asked for at a time: as much as 32 bits of length allow, in whole leaves. Servers answer as much of it as they like. */
const QUESTION_SIZE = 2 * 1024 ** 3;
/** Runs kept, at nine bytes each: enough for a page of the most finely cut map that servers answer. */
const RUNS_KEPT_MAX = 1_200_000;
const PAGES_KEPT_MAX = 64;
/** Nothing that stores disks works in smaller pieces; a server that tells less at a time would be asked for ever. */
const PROGRESS_MIN = 512;

export type Contexts = Pick<NbdExport, 'size' | 'contexts' | 'blockSize'>;

/** Asks a server what a range holds. */
export type AskMap = (range: ByteRange) => Promise<ReadonlyMap<string, ContextMap>>;

/** Where an export holds data, asked for when it is needed and kept for a while. */
export class NbdMap {
  readonly #about: Contexts;
  readonly #bitmap: string | undefined;
  readonly #ask: AskMap;
  readonly #pages: ExtentPage[] = [];
  readonly #asking = new Map<number, Promise<void>>();
  #failure: { readonly reason: unknown } | undefined;

  constructor(about: Contexts, o: { readonly bitmap: string | undefined; readonly ask: AskMap }) {
    this.#about = about;
    this.#bitmap = o.bitmap;
    this.#ask = o.ask;
  }

  *extents(range: ByteRange): Generator<Extent | Pending> {
    const end = range.offset + range.length;
    if (this.#about.contexts.size === 0) {
      if (range.length > 0) yield { ...range, kind: 'data' };
      return;
    }
    for (let at = range.offset; at < end;) {
      const page = this.#pages.find((candidate) => candidate.start <= at && at < candidate.end);
      if (!page) {
        yield this.#fetch(at);
        this.#requireSuccess();
        continue;
      }
      yield* page.extents({ offset: at, length: end - at });
      at = page.end;
    }
  }

  /** Several walkers wait for one question. */
  #fetch(at: number): Pending {
    const offset = roundDown(at, this.#about.blockSize.minimum);
    const asked = this.#asking.get(offset);
    if (asked) return asked;
    const asking = this.#load(offset)
      .catch((reason: unknown) => {
        this.#failure = { reason };
      })
      .finally(() => this.#asking.delete(offset));
    this.#asking.set(offset, asking);
    return asking;
  }

  #requireSuccess(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.reason;
  }

  async #load(offset: number): Promise<void> {
    const length = Math.min(QUESTION_SIZE, this.#about.size - offset);
    const maps = await this.#ask({ offset, length });
    const page = new ExtentPage(offset, kindsOf(maps, { bitmap: this.#bitmap, end: offset + length }));
    if (page.end - page.start < Math.min(length, PROGRESS_MIN)) {
      throw new HyperError('nbd/malformed-map', `The NBD server maps ${page.end - page.start} bytes when it was asked for ${length}.`);
    }
    this.#pages.push(page);
    let runs = this.#pages.reduce((sum, { runCount }) => sum + runCount, 0);
    while (this.#pages.length > 1 && (runs > RUNS_KEPT_MAX || this.#pages.length > PAGES_KEPT_MAX)) runs -= this.#pages.shift()?.runCount ?? 0;
  }
}

/** What the contexts say together: as far as all of them reach, and no further than was asked. */
function* kindsOf(maps: ReadonlyMap<string, ContextMap>, o: { readonly bitmap: string | undefined; readonly end: number }): Generator<Extent> {
  const allocation = maps.get(ALLOCATION_CONTEXT);
  const dirty = o.bitmap === undefined ? undefined : maps.get(o.bitmap);
  const walks = [allocation, dirty].filter((map) => map !== undefined).map((map) => map[Symbol.iterator]());
  const heads = walks.map((walk) => walk.next());
  let at: number | undefined;
  for (;;) {
    const runs: ContextRun[] = [];
    for (const head of heads) if (!head.done) runs.push(head.value);
    if (runs.length < heads.length || runs.length === 0) return;
    at ??= runs[0]?.offset ?? 0;
    const end = Math.min(o.end, ...runs.map((run) => run.offset + run.length));
    if (end > at) yield { offset: at, length: end - at, kind: kindOf({ allocation: allocation && runs[0], dirty: dirty && runs.at(-1) }) };
    if (end >= o.end) return;
    for (const [index, head] of heads.entries()) {
      if (!head.done && head.value.offset + head.value.length === end) heads[index] = walks[index]?.next() ?? head;
    }
    at = end;
  }
}

function kindOf({ allocation, dirty }: { readonly allocation: ContextRun | undefined; readonly dirty: ContextRun | undefined }): Extent['kind'] {
  // Bit 0 of every dirty bitmap of QEMU: written since.
  if (dirty && dirty.flags % 2 === 0) return 'hole';
  // "The base:allocation metadata context": a hole that does not read as zeros holds anything, so it is read.
  if (!allocation || Math.floor(allocation.flags / AllocationFlag.zero) % 2 === 0) return 'data';
  // What was discarded since is as much a change as any other.
  return allocation.flags % 2 === AllocationFlag.hole && !dirty ? 'hole' : 'zero';
}
