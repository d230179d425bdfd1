import { BlockLayout } from '../blocks/block-layout.ts';
import type { ImageWriter, LayoutMark } from '../image-writer.ts';
import { dynamicStore } from './dynamic-store.ts';
import { StaticLayout } from './static-layout.ts';
import { planVdi, type VdiPlan } from './vdi-plan.ts';

/** Writes dynamic and static disks in blocks of 1 MiB. */
export const vdiWriter = {
  format: 'vdi',
  plan: planVdi,
  encoder: () => undefined,
  layout: (plan, file, resume?: LayoutMark) =>
    plan.kind === 'static' ? new StaticLayout(plan, file, resume) : new BlockLayout(plan, file, { store: dynamicStore(plan, file), resume }),
} as const satisfies ImageWriter<VdiPlan>;
