import { BlockLayout } from '../blocks/block-layout.ts';
import type { ImageWriter, LayoutMark } from '../image-writer.ts';
import { dynamicStore } from './dynamic-store.ts';
import { FixedLayout } from './fixed-layout.ts';
import { planVhd, type VhdPlan } from './vhd-plan.ts';

/** Writes dynamic and fixed disks. */
export const vhdWriter = {
  format: 'vhd',
  plan: planVhd,
  encoder: () => undefined,
  layout: (plan, file, resume?: LayoutMark) =>
    plan.kind === 'fixed' ? new FixedLayout(plan, file, resume) : new BlockLayout(plan, file, { store: dynamicStore(plan, file), resume }),
} as const satisfies ImageWriter<VhdPlan>;
