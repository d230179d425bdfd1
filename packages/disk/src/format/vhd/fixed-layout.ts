import { HyperError } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import { deriveId, ID_CONTENT_SIZE, toUuid } from '../blocks/derive-id.ts';
import type { Layout, LayoutMark } from '../image-writer.ts';
import { encodeFooter } from './encode-vhd.ts';
import type { VhdPlan } from './vhd-plan.ts';

/** "Fixed Hard Disk Image": every unit goes to its own offset, and the footer behind the last. */
export class FixedLayout implements Layout {
  readonly #plan: VhdPlan;
  readonly #file: WritableFile;

  constructor(plan: VhdPlan, file: WritableFile, resume: LayoutMark | undefined) {
    this.#plan = plan;
    this.#file = file;
    // The length is set first, so that a disk that does not fit the file system is found at once.
    if (!resume) this.#reserve();
  }

  place(): void {
    throw new HyperError('internal/unexpected', 'A fixed VHD needs no placement.');
  }

  flush(leaves: number): LayoutMark {
    return { end: this.#plan.virtualSize, leaves };
  }

  finish(): void {
    const { virtualSize } = this.#plan;
    this.#file.truncate(virtualSize);
    const start = { offset: 0, length: Math.min(virtualSize, ID_CONTENT_SIZE) };
    const uniqueId = toUuid(deriveId(this.#plan, this.#file, [start]), 'big');
    this.#file.write(virtualSize, encodeFooter({ virtualSize, kind: 'fixed', uniqueId }));
  }

  #reserve(): void {
    const { virtualSize, preallocation } = this.#plan;
    this.#file.truncate(virtualSize);
    if (preallocation !== 'off') this.#file.allocate({ offset: 0, length: virtualSize }, preallocation === 'full' ? 'zero' : 'reserve');
  }
}
