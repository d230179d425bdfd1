import { endOf, HyperError, LEAF_SIZE, leafRange, type ContentDigest, type Extent } from '@hypersdk/domain';
import type { BlockLocator, Cancel } from '@hypersdk/ports';
import { leafDigest, TreeBuilder } from '../digest/tree.ts';
import { DiskReaders } from '../serve/disk-readers.ts';
import { isZero } from '../stream/is-zero.ts';
import { PieceReader, type FilePiece } from './piece-reader.ts';
import { countUnits, planFile, type FilePlan, type PlannedLeaf } from './plan-file.ts';

/** Extents that are asked for at a time. */
const EXTENTS_AT_A_TIME = 1024;
/** Leaves that are read ahead of whoever takes them: enough for several threads, and 16 MiB. */
const LEAVES_AHEAD = 4;

interface Told extends Cancel {
  /** Told of each leaf with content, and at the end: the disk is dealt with up to here. */
  readonly onSettled?: (settled: number) => void;
}

/**
 * A disk as the bytes of a qcow2 file from its first to its last, without such a file: for servers that take a stream. Zeros are holes.
 * The disk is read by threads; what is stored can be read back and proven against it without reading it again.
 */
export class DiskStream implements AsyncDisposable {
  readonly #readers: DiskReaders;
  readonly #plan: FilePlan;

  private constructor(readers: DiskReaders, plan: FilePlan) {
    this.#readers = readers;
    this.#plan = plan;
  }

  static async open(locator: BlockLocator, { signal }: Cancel): Promise<DiskStream> {
    await using opened = new AsyncDisposableStack();
    const readers = opened.use(await DiskReaders.open(locator));
    const plan = await planFile(readers.disk.virtualSize, extentsOf(readers, signal));
    opened.move();
    return new DiskStream(readers, plan);
  }

  get virtualSize(): number {
    return this.#plan.virtualSize;
  }

  get fileSize(): number {
    return this.#plan.fileSize;
  }

  /** Bytes that the file takes at most; zeros among the data take none. */
  get dataSize(): number {
    return this.#plan.dataSize;
  }

  /** The file in order. The last thing that is done is to tell the digest of the content that was read. */
  async *pieces(o: Told & { readonly onRead: (content: ContentDigest) => void }): AsyncGenerator<FilePiece> {
    const { unitSize, virtualSize, fileSize } = this.#plan;
    const tree = new TreeBuilder(virtualSize);
    const contents = this.#contents(o.signal);
    let position = 0;
    try {
      for (const segment of this.#plan.segments()) {
        o.signal.throwIfAborted();
        if (segment.at > position) yield { kind: 'hole', length: segment.at - position };
        position = segment.at;
        if ('table' in segment) {
          yield { kind: 'data', bytes: segment.table };
          position += segment.table.length;
          continue;
        }
        const { leaf, runs } = segment.content;
        const read = await contents.next();
        if (read.done) throw new RangeError('A leaf was planned and is not there.');
        tree.add(leaf, leafDigest(read.value));
        for (const { first, count } of runs) {
          for (let unit = first; unit < first + count; unit += 1) yield toPiece(read.value, { at: unit * unitSize, unitSize });
        }
        position += countUnits(runs) * unitSize;
        o.onSettled?.(endOf(leafRange(leaf, virtualSize)));
      }
      if (fileSize > position) yield { kind: 'hole', length: fileSize - position };
      o.onSettled?.(virtualSize);
      o.onRead(tree.finish());
    } finally {
      await contents.return(undefined);
    }
  }

  /** What such a file holds, from its bytes as they come back; `verify/mismatch` where it is not the one that was sent. */
  async readBack(pieces: AsyncIterable<FilePiece>, o: Told): Promise<ContentDigest> {
    const { unitSize, virtualSize, fileSize } = this.#plan;
    const tree = new TreeBuilder(virtualSize);
    await using reader = new PieceReader(pieces);
    for (const segment of this.#plan.segments()) {
      o.signal.throwIfAborted();
      await reader.skipTo(segment.at);
      if ('table' in segment) {
        const found = new Uint8Array(Math.min(segment.table.length, fileSize - segment.at));
        await reader.fill(found);
        if (Buffer.compare(found, segment.table.subarray(0, found.length)) !== 0)
          throw new HyperError('verify/mismatch', `What was stored is not what was sent, from byte ${segment.at} on.`);
        continue;
      }
      const { leaf, runs } = segment.content;
      const bytes = new Uint8Array(LEAF_SIZE);
      for (const { first, count } of runs) await reader.fill(bytes.subarray(first * unitSize, (first + count) * unitSize));
      const range = leafRange(leaf, virtualSize);
      tree.add(leaf, leafDigest(bytes.subarray(0, range.length)));
      o.onSettled?.(endOf(range));
    }
    await reader.skipTo(fileSize);
    await reader.end();
    o.onSettled?.(virtualSize);
    return tree.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#readers[Symbol.asyncDispose]();
  }

  /** Leaves in order, some of them read ahead. */
  async *#contents(signal: AbortSignal): AsyncGenerator<Uint8Array, undefined> {
    const { leaves, virtualSize } = this.#plan;
    const ahead: Promise<Uint8Array>[] = [];
    const read = ({ leaf }: PlannedLeaf): void => {
      const bytes = this.#readers.read(leafRange(leaf, virtualSize));
      // Whoever takes it hears of a failure; when nobody does any more, nobody has to.
      bytes.catch(() => {});
      ahead.push(bytes);
    };
    let next = 0;
    for (;;) {
      for (; ahead.length < LEAVES_AHEAD && next < leaves.length; next += 1) {
        const planned = leaves[next];
        if (planned) read(planned);
      }
      const first = ahead.shift();
      if (!first) return undefined;
      signal.throwIfAborted();
      yield await first;
    }
  }
}

/** One unit, or a hole in its place; the last of a disk is filled up with zeros. */
function toPiece(leaf: Uint8Array, { at, unitSize }: { readonly at: number; readonly unitSize: number }): FilePiece {
  const bytes = leaf.subarray(at, at + unitSize);
  if (isZero(bytes)) return { kind: 'hole', length: unitSize };
  if (bytes.length === unitSize) return { kind: 'data', bytes };
  const whole = new Uint8Array(unitSize);
  whole.set(bytes);
  return { kind: 'data', bytes: whole };
}

async function* extentsOf(readers: DiskReaders, signal: AbortSignal): AsyncGenerator<Extent> {
  const { virtualSize } = readers.disk;
  for (let at = 0; at < virtualSize;) {
    signal.throwIfAborted();
    const found = await readers.extents({ offset: at, length: virtualSize - at }, EXTENTS_AT_A_TIME);
    yield* found;
    const last = found.at(-1);
    if (!last || endOf(last) <= at) throw new HyperError('source/unreadable', `Nothing is told of the disk from byte ${at} on.`);
    at = endOf(last);
  }
}
