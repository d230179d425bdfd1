import { LEAF_SIZE, type ByteRange, type Extent } from '@hypersdk/domain';

/** Anything that knows which parts of it hold data. */
interface Extended {
  extents(range: ByteRange): Iterable<Extent>;
}

/**
 * The leaves of a disk that hold data, in order, found lazily: after each one the search goes on behind it, so that a finely
 * fragmented leaf costs one look-up and an empty 16 TiB disk costs what its tables cost.
 */
export function* planLeaves(source: Extended, span: { readonly from: number; readonly virtualSize: number }): Generator<number> {
  let at = span.from * LEAF_SIZE;
  while (at < span.virtualSize) {
    const data = nextData(source, { offset: at, length: span.virtualSize - at });
    if (!data) return;
    const first = Math.floor(data.offset / LEAF_SIZE);
    const last = Math.floor((data.offset + data.length - 1) / LEAF_SIZE);
    for (let leaf = first; leaf <= last; leaf += 1) yield leaf;
    at = (last + 1) * LEAF_SIZE;
  }
}

function nextData(source: Extended, range: ByteRange): Extent | undefined {
  for (const extent of source.extents(range)) {
    if (extent.kind === 'data') return extent;
  }
  return undefined;
}

/** Leaves in which any of several disks of one size may hold data. */
export function* mergeLeaves(plans: readonly Iterable<number>[]): Generator<number> {
  const heads = plans.map((plan) => {
    const iterator = plan[Symbol.iterator]();
    return { iterator, next: iterator.next() };
  });
  for (;;) {
    const waiting = heads.flatMap((head) => (head.next.done ? [] : [head.next.value]));
    if (waiting.length === 0) return;
    const leaf = Math.min(...waiting);
    yield leaf;
    for (const head of heads) if (!head.next.done && head.next.value === leaf) head.next = head.iterator.next();
  }
}
