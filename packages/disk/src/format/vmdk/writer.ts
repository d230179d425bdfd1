import { nativeCodecs } from '../../native/load.ts';
import type { ImageWriter, LayoutMark } from '../image-writer.ts';
import { GrainEncoder } from './grain-encoder.ts';
import { SparseLayout } from './sparse-layout.ts';
import { StreamLayout } from './stream-layout.ts';
import { planVmdk, type VmdkPlan } from './vmdk-plan.ts';

/** Writes monolithicSparse and streamOptimized disks with grains of 64 KiB. */
export const vmdkWriter = {
  format: 'vmdk',
  plan: planVmdk,
  encoder: (plan) => (plan.subformat === 'streamOptimized' ? new GrainEncoder(nativeCodecs().compressor('zlib', plan.compressionLevel)) : undefined),
  layout: (plan, file, resume?: LayoutMark) =>
    plan.subformat === 'streamOptimized' ? new StreamLayout(plan, file, resume) : new SparseLayout(plan, file, resume),
} as const satisfies ImageWriter<VmdkPlan>;
