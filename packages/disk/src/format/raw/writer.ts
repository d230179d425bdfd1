import { HyperError, KIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import type { WritableFile } from '../../file/byte-file.ts';
import type { ImagePlan, ImageWriter, Layout, LayoutMark } from '../image-writer.ts';

/** Zeros shorter than this are written: finer holes cost more extents than they save blocks. */
const UNIT = 64 * KIB;

interface RawPlan extends ImagePlan {
  readonly preallocation: 'off' | 'falloc' | 'full';
}

/** Every unit goes to its own offset; what is never written stays a hole. */
export const rawWriter: ImageWriter<RawPlan> = {
  format: 'raw',
  plan: (virtualSize, settings) => ({ virtualSize, unitSize: UNIT, placement: 'identity', preallocation: checkSettings(settings) }),
  encoder: () => undefined,
  layout: (plan, file, resume) => new RawLayout(plan, file, resume),
};

function checkSettings(settings: ImageSettings): RawPlan['preallocation'] {
  const { format: _, compression, preallocation = 'off', ...rest } = settings;
  const foreign = Object.entries(rest).find(([, value]) => value !== undefined)?.[0];
  if (foreign) throw new HyperError('usage/invalid', `A raw image knows no setting ${foreign}.`, { detail: { field: foreign } });
  if (compression !== undefined && compression !== 'none')
    throw new HyperError('usage/invalid', 'A raw image cannot be compressed.', { detail: { field: 'compression' } });
  if (preallocation === 'metadata')
    throw new HyperError('usage/invalid', 'A raw image has no metadata to preallocate.', { detail: { field: 'preallocation' } });
  return preallocation;
}

class RawLayout implements Layout {
  readonly #plan: RawPlan;
  readonly #file: WritableFile;

  constructor(plan: RawPlan, file: WritableFile, resume: LayoutMark | undefined) {
    this.#plan = plan;
    this.#file = file;
    // The length is set first, so that a disk that does not fit the file system is found at once.
    if (!resume) this.#reserve();
  }

  place(): void {
    throw new HyperError('internal/unexpected', 'A raw image needs no placement.');
  }

  flush(leaves: number): LayoutMark {
    return { end: this.#plan.virtualSize, leaves };
  }

  finish(): void {
    this.#file.truncate(this.#plan.virtualSize);
  }

  #reserve(): void {
    const { virtualSize, preallocation } = this.#plan;
    this.#file.truncate(virtualSize);
    if (preallocation === 'off' || virtualSize === 0) return;
    this.#file.allocate({ offset: 0, length: virtualSize }, preallocation === 'full' ? 'zero' : 'reserve');
  }
}
