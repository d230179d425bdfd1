import { LEAF_SIZE, type ByteRange, type Extent } from '@hypersdk/domain';
import type { Pending } from '../locator/disk-source.ts';

/** Anything that knows which parts of it hold data. */
interface Extended {
  extents(range: ByteRange): Iterable<Extent | Pending>;
}

/** What a plan gives: a leaf to work on, word that the search goes on, so that whoever pulls can do something else in between, or what the search has to wait for. */
export type PlannedLeaf = number | 'searching' | Pending;

/** The longest search without a word: cancelling and the work of other jobs wait for it. */
const SEARCH_MS = 20;
/** Extents between two looks at the clock. */
const EXTENTS_PER_LOOK = 4;

interface Span {
  readonly from: number;
  readonly virtualSize: number;
  /** Leaves with recorded zeros count too: in an overlay these are something. */
  readonly zerosCount?: boolean;
}

/**
 * The leaves of a disk that hold data, in order, found lazily: after each one the search goes on behind it, so that a finely
 * fragmented leaf costs one look-up and an empty 16 TiB disk costs what its tables cost.
 */
export function* planLeaves(source: Extended, span: Span): Generator<PlannedLeaf> {
  const isSought = (kind: Extent['kind']): boolean => kind === 'data' || (kind === 'zero' && span.zerosCount === true);
  let at = span.from * LEAF_SIZE;
  while (at < span.virtualSize) {
    const data = yield* nextSought(source, { offset: at, length: span.virtualSize - at }, isSought);
    if (!data) return;
    const first = Math.floor(data.offset / LEAF_SIZE);
    const last = Math.floor((data.offset + data.length - 1) / LEAF_SIZE);
    for (let leaf = first; leaf <= last; leaf += 1) yield leaf;
    at = (last + 1) * LEAF_SIZE;
  }
}

function* nextSought(
  source: Extended,
  range: ByteRange,
  isSought: (kind: Extent['kind']) => boolean,
): Generator<'searching' | Pending, Extent | undefined> {
  let since = performance.now();
  let seen = 0;
  for (const extent of source.extents(range)) {
    if (extent instanceof Promise) {
      yield extent;
      continue;
    }
    if (isSought(extent.kind)) return extent;
    seen += 1;
    if (seen % EXTENTS_PER_LOOK !== 0 || performance.now() - since < SEARCH_MS) continue;
    yield 'searching';
    since = performance.now();
  }
  return undefined;
}

/** Leaves in which any of several disks of one size may hold data. */
export function* mergeLeaves(plans: readonly Iterable<PlannedLeaf>[]): Generator<PlannedLeaf> {
  const heads = plans.map((plan) => {
    const iterator = plan[Symbol.iterator]();
    return { iterator, next: iterator.next() };
  });
  for (;;) {
    const searching = heads.find(({ next }) => !next.done && typeof next.value !== 'number');
    if (searching && !searching.next.done) {
      yield searching.next.value;
      searching.next = searching.iterator.next();
      continue;
    }
    const waiting = heads.flatMap(({ next }) => (!next.done && typeof next.value === 'number' ? [next.value] : []));
    if (waiting.length === 0) return;
    const leaf = Math.min(...waiting);
    yield leaf;
    for (const head of heads) if (!head.next.done && head.next.value === leaf) head.next = head.iterator.next();
  }
}
