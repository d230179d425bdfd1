// For tests: drives the writer as a copy does, one leaf after the other.
import { LEAF_SIZE, leafCount, leafRange } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import type { WritableFile } from '../../file/byte-file.ts';
import { MemoryFile } from '../../file/memory-file.ts';
import type { Layout, UnitEncoder } from '../image-writer.ts';
import type { VmdkPlan } from './vmdk-plan.ts';
import { vmdkWriter } from './writer.ts';

/** Answers the disk's bytes of one unit from `offset` on, or undefined when all of them are zero. */
export type DiskContent = (offset: number, length: number) => Uint8Array | undefined;

export const contentOf =
  (disk: Uint8Array): DiskContent =>
  (offset, length) => {
    const bytes = disk.subarray(offset, offset + length);
    return Buffer.compare(bytes, ZEROS.subarray(0, bytes.length)) === 0 ? undefined : bytes;
  };

const ZEROS = new Uint8Array(64 * 1024);

/** The whole image of a disk. */
export function buildVmdk(disk: Uint8Array, settings: Omit<ImageSettings, 'format'> = {}): Uint8Array {
  const file = new MemoryFile();
  const plan = vmdkWriter.plan(disk.length, { format: 'vmdk', ...settings });
  const layout = vmdkWriter.layout(plan, file);
  using encoder = vmdkWriter.encoder(plan);
  for (let leaf = 0; leaf < leafCount(plan.virtualSize); leaf += 1) placeLeaf({ plan, file, layout, encoder, content: contentOf(disk) }, leaf);
  layout.finish();
  return file.bytes;
}

export interface BuildParts {
  readonly plan: VmdkPlan;
  readonly file: WritableFile;
  readonly layout: Layout;
  readonly encoder: UnitEncoder | undefined;
  readonly content: DiskContent;
}

/** Encodes, places and writes the units of one leaf that are not zero; a leaf of zeros is left out. */
export function placeLeaf({ plan, file, layout, encoder, content }: BuildParts, leaf: number): void {
  const { offset, length } = leafRange(leaf, plan.virtualSize);
  const count = Math.ceil(length / plan.unitSize);
  const sizes = new Uint32Array(count);
  const offsets = new Float64Array(count);
  const stored: Uint8Array[] = [];
  for (let unit = 0; unit < count; unit += 1) {
    const bytes = content(offset + unit * plan.unitSize, plan.unitSize);
    if (!bytes) continue;
    const padded = new Uint8Array(plan.unitSize);
    padded.set(bytes);
    stored[unit] = encoder ? encode(encoder, padded, leaf * (LEAF_SIZE / plan.unitSize) + unit) : padded;
    sizes[unit] = stored[unit]?.length ?? 0;
  }
  if (stored.length === 0) return;
  layout.place(leaf, sizes, offsets);
  stored.forEach((bytes, unit) => file.write(offsets[unit] ?? 0, bytes));
}

function encode(encoder: UnitEncoder, unit: Uint8Array, index: number): Uint8Array {
  // Not at the start and not zero, as a mover's arena is.
  const into = new Uint8Array(encoder.storedSizeMax + 512).fill(0xaa);
  return into.slice(512, 512 + encoder.encode(unit, index, into, 512));
}
