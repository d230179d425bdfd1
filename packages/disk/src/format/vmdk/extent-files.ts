// Virtual Disk Format 5.0, "The Extent Description": a disk of several files is a descriptor and its extents.
import { GIB, HyperError, LEAF_SIZE, roundUp, type ByteRange } from '@hypersdk/domain';
import type { FileSet } from '../image-writer.ts';
import { SPLIT_EXTENT_SIZE } from './vmdk-limits.ts';
import { isFlat, type VmdkPlan } from './vmdk-plan.ts';

type Kind = Pick<VmdkPlan, 'subformat' | 'virtualSize'>;

/** What our own and other readers take in a descriptor between quotation marks. */
const NAME = /^[\x20-\x21\x23-\x7e]+$/;

/** The files of a disk that is not one file, named as VMware names them, after the descriptor. */
export function vmdkSet(plan: VmdkPlan, name: string): FileSet | undefined {
  if (plan.subformat === 'monolithicSparse' || plan.subformat === 'streamOptimized') return undefined;
  if (!NAME.test(name))
    throw new HyperError(
      'usage/invalid',
      `A ${plan.subformat} VMDK holds the names of its files, which can only be ASCII without quotation marks: ${JSON.stringify(name)} is not.`,
      { detail: { format: 'vmdk', field: 'path' } },
    );
  const stem = name.replace(/\.vmdk$/i, '');
  return { span: extentSpan(plan), names: diskExtents(plan).map((_, index) => `${stem}-${endingOf(plan, index)}.vmdk`) };
}

function endingOf({ subformat }: Kind, index: number): string {
  if (subformat === 'monolithicFlat') return 'flat';
  return `${subformat === 'twoGbMaxExtentSparse' ? 's' : 'f'}${String(index + 1).padStart(3, '0')}`;
}

/** The parts of the disk that lie in files of their own. */
export function diskExtents({ subformat, virtualSize }: Kind): readonly ByteRange[] {
  const size = subformat === 'monolithicFlat' ? virtualSize : SPLIT_EXTENT_SIZE;
  return Array.from({ length: Math.ceil(virtualSize / size) }, (_, index) => ({
    offset: index * size,
    length: Math.min(size, virtualSize - index * size),
  }));
}

/** A flat extent has the offsets of its place on the disk, so that a byte of the disk lies at its own offset; a sparse one has room for its tables. */
export function extentSpan(plan: Kind): number {
  if (plan.subformat === 'monolithicFlat') return roundUp(plan.virtualSize, LEAF_SIZE);
  return isFlat(plan) ? SPLIT_EXTENT_SIZE : 2 * GIB;
}
