import { endOf, LEAF_SIZE, type Extent } from '@hypersdk/domain';
import { qcow2Writer } from '../format/qcow2/writer.ts';
import { TableFile } from './table-file.ts';

/** Units of a leaf that follow each other on the disk, and in the file. */
export interface UnitRun {
  readonly first: number;
  readonly count: number;
}

/** The content of one leaf in the file: one stretch from `at` on, in the order of the disk. */
export interface PlannedLeaf {
  readonly leaf: number;
  readonly at: number;
  readonly runs: readonly UnitRun[];
}

export type Segment = { readonly at: number; readonly table: Uint8Array } | { readonly at: number; readonly content: PlannedLeaf };

/** Everything of a qcow2 file but its content, known before any of that is read. */
export interface FilePlan {
  readonly virtualSize: number;
  readonly unitSize: number;
  readonly fileSize: number;
  /** Bytes of it that hold tables or content. */
  readonly dataSize: number;
  readonly leaves: readonly PlannedLeaf[];
  /** What the file consists of in the order of its bytes; between them it is empty. */
  segments(): Generator<Segment>;
}

/** Lays out the image of a disk by what its extents say. `extents` are in order. */
export async function planFile(virtualSize: number, extents: AsyncIterable<Extent>): Promise<FilePlan> {
  const plan = qcow2Writer.plan(virtualSize, { format: 'qcow2' });
  const { unitSize } = plan;
  const tables = new TableFile();
  const layout = qcow2Writer.layout(plan, tables);
  const sizes = new Uint32Array(LEAF_SIZE / unitSize);
  const leaves: PlannedLeaf[] = [];
  let leaf = 0;
  const place = (): void => {
    const runs = runsOf(sizes);
    if (runs.length === 0) return;
    const offsets = new Float64Array(sizes.length);
    layout.place(leaf, sizes, offsets);
    leaves.push({ leaf, runs, at: requireOneStretch(offsets, { runs, unitSize }) });
    sizes.fill(0);
  };
  for await (const extent of extents) {
    if (extent.kind !== 'data' || extent.length === 0) continue;
    for (let unit = Math.floor(extent.offset / unitSize); unit * unitSize < endOf(extent); unit += 1) {
      const at = Math.floor(unit / sizes.length);
      if (at !== leaf) place();
      leaf = at;
      sizes[unit % sizes.length] = unitSize;
    }
  }
  place();
  layout.finish();
  const written = tables.tables();
  const contentSize = leaves.reduce((sum, { runs }) => sum + countUnits(runs) * unitSize, 0);
  return {
    virtualSize,
    unitSize,
    fileSize: tables.size,
    dataSize: contentSize + written.reduce((sum, { bytes }) => sum + bytes.length, 0),
    leaves,
    segments: () => inOrder(written, leaves),
  };
}

export const countUnits = (runs: readonly UnitRun[]): number => runs.reduce((sum, { count }) => sum + count, 0);

function runsOf(sizes: Uint32Array): readonly UnitRun[] {
  const runs: UnitRun[] = [];
  for (const [unit, size] of sizes.entries()) {
    if (size === 0) continue;
    const last = runs.at(-1);
    if (last && last.first + last.count === unit) runs[runs.length - 1] = { ...last, count: last.count + 1 };
    else runs.push({ first: unit, count: 1 });
  }
  return runs;
}

/** The layout promises that the plain content of a leaf is one run of the file. */
function requireOneStretch(offsets: Float64Array, { runs, unitSize }: { readonly runs: readonly UnitRun[]; readonly unitSize: number }): number {
  const start = offsets[runs[0]?.first ?? 0] ?? 0;
  let expected = start;
  for (const { first, count } of runs) {
    for (let unit = first; unit < first + count; unit += 1, expected += unitSize)
      if (offsets[unit] !== expected) throw new RangeError('The content of a leaf is not one stretch of the file.');
  }
  return start;
}

function* inOrder(tables: readonly { readonly at: number; readonly bytes: Uint8Array }[], leaves: readonly PlannedLeaf[]): Generator<Segment> {
  let next = 0;
  for (const content of leaves) {
    for (let table = tables[next]; table && table.at < content.at; table = tables[next]) {
      yield { at: table.at, table: table.bytes };
      next += 1;
    }
    yield { at: content.at, content };
  }
  for (const { at, bytes } of tables.slice(next)) yield { at, table: bytes };
}
