import { endOf, HyperError } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import type { Layout, LayoutMark } from '../image-writer.ts';
import { encodeSetDescriptor } from './descriptor-text.ts';
import { diskExtents, extentSpan } from './extent-files.ts';
import type { VmdkPlan } from './vmdk-plan.ts';

/** monolithicFlat and twoGbMaxExtentFlat: the bytes of the disk in one file or several, and a descriptor that names them. */
export class FlatLayout implements Layout {
  readonly #plan: VmdkPlan;
  readonly #file: WritableFile;

  constructor(plan: VmdkPlan, file: WritableFile, resume?: LayoutMark) {
    this.#plan = plan;
    this.#file = file;
    // The lengths are set first, so that a disk that does not fit the file system is found at once.
    if (!resume) this.#reserve();
  }

  place(): void {
    throw new HyperError('internal/unexpected', 'A flat VMDK needs no placement.');
  }

  flush(leaves: number): LayoutMark {
    return { end: this.#plan.virtualSize, leaves };
  }

  finish(): void {
    this.#file.write(diskExtents(this.#plan).length * extentSpan(this.#plan), encodeSetDescriptor(this.#plan, this.#file.names ?? []));
  }

  #reserve(): void {
    const { preallocation = 'off' } = this.#plan;
    for (const extent of diskExtents(this.#plan)) {
      this.#file.truncate(endOf(extent));
      if (preallocation !== 'off') this.#file.allocate(extent, preallocation === 'full' ? 'zero' : 'reserve');
    }
  }
}
