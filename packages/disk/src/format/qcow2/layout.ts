import { HyperError } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import { ZERO_UNIT, type Layout, type LayoutMark } from '../image-writer.ts';
import { ClusterSpace, type SpaceState } from './cluster-space.ts';
import { SUBCLUSTERS } from './cluster-map.ts';
import { encodeHeader } from './encode-header.ts';
import { MappingTables } from './mapping-tables.ts';
import { geometryOf, type Geometry, type Qcow2Plan } from './plan.ts';

/** States before the leaves placed last, for marks that lag behind what is placed: far more leaves than any copy keeps in flight. */
const STATES_KEPT = 4096;
const ALL_SUBCLUSTERS = 0xff_ff_ff_ff;

/** What `flush` answers: all that a resume needs beside the file. */
type Qcow2Mark = LayoutMark & SpaceState;

/**
 * The file in the order in which it grows: header, L1 table, refcount table (room for the largest file of the plan), refcount blocks; then for each leaf
 * its new L2 tables, the refcount blocks it needs, and its content, so that plain content of a leaf is one run. The header is written last: until then the file is no image.
 */
export class Qcow2Layout implements Layout {
  readonly #plan: Qcow2Plan;
  readonly #file: WritableFile;
  readonly #geometry: Geometry;
  readonly #space: ClusterSpace;
  readonly #tables: MappingTables;
  readonly #states = new Map<number, SpaceState>();
  #forgottenLeaf = -1;
  #nextLeaf = 0;

  constructor(plan: Qcow2Plan, file: WritableFile) {
    this.#plan = plan;
    this.#file = file;
    this.#geometry = geometryOf(plan);
    this.#space = new ClusterSpace(file, this.#geometry);
    this.#tables = new MappingTables(file, plan, this.#geometry);
  }

  static open(plan: Qcow2Plan, file: WritableFile, resume?: LayoutMark): Qcow2Layout {
    const layout = new Qcow2Layout(plan, file);
    if (resume) layout.#restore(parseMark(resume, file.path));
    else layout.#space.start();
    layout.#reserve();
    return layout;
  }

  place(leaf: number, sizes: Uint32Array, offsets: Float64Array): void {
    this.#fillUpTo(leaf);
    this.#placeLeaf(leaf, sizes, offsets);
  }

  flush(leaves: number): LayoutMark {
    this.#fillUpTo(leaves);
    if (leaves <= this.#forgottenLeaf) throw new RangeError(`A mark before leaf ${leaves} was asked for, but that state is no longer known.`);
    for (const leaf of this.#states.keys()) {
      if (leaf >= leaves) break;
      this.#forget(leaf);
    }
    this.#tables.flush();
    this.#space.flush();
    const [earlier] = this.#states.values();
    const mark: Qcow2Mark = { leaves, ...(earlier ?? this.#space.state) };
    return mark;
  }

  finish(): void {
    this.#fillUpTo(this.#geometry.leafCount);
    this.#tables.flush();
    this.#space.flush();
    this.#file.truncate(this.#space.state.end);
    this.#file.write(0, encodeHeader(this.#plan, this.#geometry));
  }

  #placeLeaf(leaf: number, sizes: Uint32Array, offsets: Float64Array): void {
    this.#remember(leaf);
    this.#nextLeaf = leaf + 1;
    const { clustersPerLeaf, clusterCount } = this.#geometry;
    const first = leaf * clustersPerLeaf;
    const count = Math.min(clustersPerLeaf, clusterCount - first);
    this.#addTables(first, count, sizes);
    for (let each = 0; each < count; each += 1) {
      if (this.#isMapped(each, sizes)) this.#placeCluster({ cluster: first + each, each, sizes, offsets });
    }
    this.#tables.writeComplete(first + count);
    this.#space.writeComplete();
  }

  /** Takes the place for the tables that the leaf needs, before its content. */
  #addTables(first: number, count: number, sizes: Uint32Array): void {
    const { entriesPerTable } = this.#geometry;
    const missing: number[] = [];
    let stored = 0;
    let mapped = 0;
    for (let each = 0; each < count; each += 1) {
      if (!this.#isMapped(each, sizes)) continue;
      mapped += 1;
      if (sizes[each * this.#geometry.unitsPerCluster] !== ZERO_UNIT) stored += 1;
      const table = Math.floor((first + each) / entriesPerTable);
      if (missing.at(-1) !== table && !this.#tables.isOpen(table)) missing.push(table);
    }
    if (mapped > 0) this.#tables.add(missing, this.#space.takeTables(missing.length, stored));
  }

  #isMapped(each: number, sizes: Uint32Array): boolean {
    if (this.#plan.preallocation !== 'off') return true;
    const { unitsPerCluster } = this.#geometry;
    for (let unit = each * unitsPerCluster; unit < (each + 1) * unitsPerCluster; unit += 1) {
      if ((sizes[unit] ?? 0) > 0) return true;
    }
    return false;
  }

  #placeCluster({
    cluster,
    each,
    sizes,
    offsets,
  }: {
    readonly cluster: number;
    readonly each: number;
    readonly sizes: Uint32Array;
    readonly offsets: Float64Array;
  }): void {
    const { clusterSize, unitsPerCluster } = this.#geometry;
    const stored = sizes[each * unitsPerCluster] ?? 0;
    if (stored === ZERO_UNIT) return this.#tables.mapZero(cluster);
    if (this.#plan.compression !== 'none' && stored < clusterSize) {
      const at = this.#space.takeStream(stored);
      offsets[each] = at;
      this.#tables.mapCompressed(cluster, at, stored);
      return;
    }
    const host = this.#space.takeCluster();
    const subclusters = unitsPerCluster === 1 ? ALL_SUBCLUSTERS : subclusterBits(each, sizes);
    for (let unit = 0; unit < unitsPerCluster; unit += 1) offsets[each * unitsPerCluster + unit] = host + unit * this.#plan.unitSize;
    this.#tables.mapPlain(cluster, host, this.#plan.preallocation === 'off' ? subclusters : ALL_SUBCLUSTERS);
    const isWhole = unitsPerCluster === 1 ? stored > 0 : subclusters === ALL_SUBCLUSTERS;
    if (this.#plan.preallocation === 'full' && !isWhole) this.#file.allocate({ offset: host, length: clusterSize }, 'zero');
  }

  /** With preallocation every cluster of the disk has its place, in the order of the disk; so the leaves that were left out get theirs. */
  #fillUpTo(leaf: number): void {
    if (this.#plan.preallocation === 'off') return;
    while (this.#nextLeaf < Math.min(leaf, this.#geometry.leafCount)) this.#placeLeaf(this.#nextLeaf, NOTHING_STORED, new Float64Array(0));
  }

  /** Room that runs out is found here, not in the middle of the copy. */
  #reserve(): void {
    if (this.#plan.preallocation !== 'falloc' && this.#plan.preallocation !== 'full') return;
    const from = this.#space.state.end;
    this.#file.allocate({ offset: from, length: this.#geometry.fileSizeMax - from }, 'reserve');
  }

  #remember(leaf: number): void {
    this.#states.set(leaf, this.#space.state);
    if (this.#states.size <= STATES_KEPT) return;
    for (const oldest of this.#states.keys()) {
      this.#forget(oldest);
      break;
    }
  }

  #forget(leaf: number): void {
    this.#states.delete(leaf);
    this.#forgottenLeaf = leaf;
  }

  #restore(mark: Qcow2Mark): void {
    // A header that an earlier run may have written would make the file look whole.
    this.#file.write(0, new Uint8Array(encodeHeader(this.#plan, this.#geometry).length));
    this.#tables.restore({ end: mark.leaves * this.#geometry.clustersPerLeaf, fileEnd: mark.end });
    this.#space.restore(mark, this.#file);
    this.#nextLeaf = mark.leaves;
    this.#forgottenLeaf = mark.leaves - 1;
  }
}

const NOTHING_STORED = new Uint32Array(0);

/** Which of the cluster's 32 units are stored, the first one in the least significant bit. */
function subclusterBits(each: number, sizes: Uint32Array): number {
  let bits = 0;
  for (let unit = SUBCLUSTERS - 1; unit >= 0; unit -= 1) bits = bits * 2 + ((sizes[each * SUBCLUSTERS + unit] ?? 0) > 0 ? 1 : 0);
  return bits;
}

function parseMark(mark: LayoutMark, path: string): Qcow2Mark {
  const { packedTo, packedCount, blockCount } = mark;
  if (typeof packedTo !== 'number' || typeof packedCount !== 'number' || typeof blockCount !== 'number') {
    throw new HyperError('checkpoint/malformed', `The checkpoint of ${path} was not made for a qcow2 image.`);
  }
  return { end: mark.end, leaves: mark.leaves, packedTo, packedCount, blockCount };
}
