// For tests: disks over parents, in every kind of sparse extent, as vSphere and hosted products lay them out.
import { KIB, roundUp } from '@hypersdk/domain';
import { buildCowd, buildHosted, buildSeSparse } from './build-extents.ts';

/** What a disk holds in each 64 KiB: nothing of its own, zeros, or one byte repeated. */
export type Cell = 'hole' | 'zero' | number;
export const CELL_SIZE = 64 * KIB;

export type DeltaKind = 'monolithicSparse' | 'twoGbMaxExtentSparse' | 'vmfsSparse' | 'seSparse' | 'custom';
export const deltaKinds: readonly DeltaKind[] = ['monolithicSparse', 'twoGbMaxExtentSparse', 'vmfsSparse', 'seSparse', 'custom'];

export interface Layer {
  readonly kind: DeltaKind;
  readonly cells: readonly Cell[];
}

export interface BuiltChain {
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** The uppermost descriptor. */
  readonly top: string;
  /** What the guest sees. */
  readonly content: Uint8Array;
}

/** Numbers of grains cross the border between the two parts in which a table entry of a SESPARSE extent keeps them. */
const FIRST_GRAIN = 4090;

/** The last cell is cut short by this much, so that the disk is no whole number of grains. */
const CUT = 3 * 512;

/** A flat disk of `base`, and the layers over it, the lowest first. All have one number of cells. */
export function buildChain(base: readonly Cell[], layers: readonly Layer[], { firstGrain = FIRST_GRAIN } = {}): BuiltChain {
  const size = base.length * CELL_SIZE - CUT;
  const content = new Uint8Array(size);
  paint(content, base);
  const files: Record<string, Uint8Array> = { 'base-flat.vmdk': content.slice() };
  files['base.vmdk'] = describeDisk({ kind: 'monolithicFlat', id: '1000', extents: [`RW ${size / 512} FLAT "base-flat.vmdk" 0`] });
  layers.forEach(({ kind, cells }, index) => {
    paint(content, cells);
    const parent = { id: `${1000 + index}`, name: index === 0 ? 'base.vmdk' : `layer-${index}.vmdk` };
    Object.assign(files, buildLayer({ kind, cells, size, stem: `layer-${index + 1}`, firstGrain }, { id: `${1001 + index}`, parent }));
  });
  return { files, top: layers.length === 0 ? 'base.vmdk' : `layer-${layers.length}.vmdk`, content };
}

function paint(content: Uint8Array, cells: readonly Cell[]): void {
  cells.forEach((cell, at) => {
    if (cell !== 'hole') content.fill(cell === 'zero' ? 0 : cell, at * CELL_SIZE, (at + 1) * CELL_SIZE);
  });
}

interface Identity {
  readonly id: string;
  readonly parent: { readonly id: string; readonly name: string };
}

function buildLayer(
  { kind, cells, size, stem, firstGrain }: Layer & { readonly size: number; readonly stem: string; readonly firstGrain: number },
  identity: Identity,
): Readonly<Record<string, Uint8Array>> {
  const own = { kind, ...identity };
  const sectors = size / 512;
  const half = Math.ceil(cells.length / 2);
  const first = half * (CELL_SIZE / 512);
  const extent = `${stem}-delta.vmdk`;
  switch (kind) {
    case 'monolithicSparse':
      return { [`${stem}.vmdk`]: buildHosted({ cells, size }, describeDisk({ ...own, extents: [`RW ${sectors} SPARSE "${stem}.vmdk"`] })) };
    case 'vmfsSparse':
      return {
        [`${stem}.vmdk`]: describeDisk({ ...own, extents: [`RW ${sectors} VMFSSPARSE "${extent}"`] }),
        [extent]: buildCowd({ cells, size }),
      };
    case 'seSparse':
      return {
        [`${stem}.vmdk`]: describeDisk({ ...own, extents: [`RW ${sectors} SESPARSE "${extent}"`] }),
        [extent]: buildSeSparse({ cells, size: roundUp(size, 4096), firstGrain }),
      };
    case 'twoGbMaxExtentSparse':
      return {
        [`${stem}.vmdk`]: describeDisk({
          ...own,
          extents: [`RW ${first} SPARSE "${stem}-s001.vmdk"`, `RW ${sectors - first} SPARSE "${stem}-s002.vmdk"`],
        }),
        [`${stem}-s001.vmdk`]: buildHosted({ cells: cells.slice(0, half), size: half * CELL_SIZE }),
        [`${stem}-s002.vmdk`]: buildHosted({ cells: cells.slice(half), size: size - half * CELL_SIZE }),
      };
    case 'custom':
      return {
        [`${stem}.vmdk`]: describeDisk({
          ...own,
          extents: [`RW ${first} SESPARSE "${stem}-a.vmdk"`, `RW ${sectors - first} VMFSSPARSE "${stem}-b.vmdk"`],
        }),
        [`${stem}-a.vmdk`]: buildSeSparse({ cells: cells.slice(0, half), size: half * CELL_SIZE, firstGrain }),
        [`${stem}-b.vmdk`]: buildCowd({ cells: cells.slice(half), size: size - half * CELL_SIZE }),
      };
  }
}

/** The text of a descriptor, over a parent when there is one. */
export function describeDisk(o: {
  readonly kind: string;
  readonly id: string;
  readonly parent?: Identity['parent'];
  readonly extents: readonly string[];
}): Uint8Array {
  const lines = [
    '# Disk DescriptorFile',
    'version=1',
    `CID=${o.id.padStart(8, '0')}`,
    `parentCID=${(o.parent?.id ?? 'ffffffff').padStart(8, '0')}`,
    `createType="${o.kind}"`,
    ...(o.parent ? [`parentFileNameHint="${o.parent.name}"`] : []),
    '# Extent description',
    ...o.extents,
    '# The Disk Data Base',
    'ddb.adapterType = "lsilogic"',
    '',
  ];
  return Buffer.from(lines.join('\n'), 'latin1');
}
