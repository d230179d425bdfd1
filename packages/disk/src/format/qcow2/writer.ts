import type { ImageSettings } from '@hypersdk/ports';
import type { WritableFile } from '../../file/byte-file.ts';
import type { ImageWriter, Layout, LayoutMark, UnitEncoder } from '../image-writer.ts';
import { Qcow2Layout } from './layout.ts';
import { planQcow2, type Qcow2Plan } from './plan.ts';
import { Qcow2UnitEncoder } from './unit-encoder.ts';

/** Writes qcow2 versions 2 and 3 in one pass over the disk. */
export const qcow2Writer = {
  format: 'qcow2',
  plan: (virtualSize: number, settings: ImageSettings): Qcow2Plan => planQcow2(virtualSize, settings),
  encoder(plan: Qcow2Plan): UnitEncoder | undefined {
    const { compression } = plan;
    return compression === 'none' ? undefined : new Qcow2UnitEncoder({ ...plan, compression });
  },
  layout: (plan: Qcow2Plan, file: WritableFile, resume?: LayoutMark): Layout => Qcow2Layout.open(plan, file, resume),
} as const satisfies ImageWriter<Qcow2Plan>;
