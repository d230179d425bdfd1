import { nativeCodecs } from '../../native/load.ts';
import type { ImageWriter, LayoutMark } from '../image-writer.ts';
import { GrainEncoder } from './grain-encoder.ts';
import { vmdkSet } from './extent-files.ts';
import { FlatLayout } from './flat-layout.ts';
import { SparseLayout } from './sparse-layout.ts';
import { SplitLayout } from './split-layout.ts';
import { StreamLayout } from './stream-layout.ts';
import { planVmdk, type VmdkPlan } from './vmdk-plan.ts';

/** Writes disks in one file and in several, with grains of 64 KiB where they are sparse. */
export const vmdkWriter = {
  format: 'vmdk',
  plan: planVmdk,
  encoder: (plan) => (plan.subformat === 'streamOptimized' ? new GrainEncoder(nativeCodecs().compressor('zlib', plan.compressionLevel)) : undefined),
  layout: (plan, file, resume?: LayoutMark) => new layouts[plan.subformat](plan, file, resume),
  set: vmdkSet,
} as const satisfies ImageWriter<VmdkPlan>;

const layouts = {
  monolithicSparse: SparseLayout,
  streamOptimized: StreamLayout,
  twoGbMaxExtentSparse: SplitLayout,
  twoGbMaxExtentFlat: FlatLayout,
  monolithicFlat: FlatLayout,
} as const;
