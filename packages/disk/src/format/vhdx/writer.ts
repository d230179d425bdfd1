import type { ImageWriter, LayoutMark } from '../image-writer.ts';
import { DynamicLayout } from './dynamic-layout.ts';
import { FixedLayout } from './fixed-layout.ts';
import { planVhdx, type VhdxPlan } from './vhdx-plan.ts';

/** Writes dynamic and fixed disks. Content is stored as it is. */
export const vhdxWriter = {
  format: 'vhdx',
  plan: planVhdx,
  encoder: () => undefined,
  layout: (plan, file, resume?: LayoutMark) =>
    plan.subformat === 'fixed' ? new FixedLayout(plan, file, resume) : new DynamicLayout(plan, file, resume),
} as const satisfies ImageWriter<VhdxPlan>;
