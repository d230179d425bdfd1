import type { ReadableDisk } from './disk-view.ts';

export interface Patch {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A disk with some bytes of it replaced, which remembers what was asked of it. */
export class PatchedDisk implements ReadableDisk {
  readonly virtualSize: number;
  readonly #disk: ReadableDisk;
  readonly #patches: readonly Patch[];
  readonly asked: { readonly offset: number; readonly length: number }[] = [];

  constructor(disk: ReadableDisk, patches: readonly Patch[], virtualSize = disk.virtualSize) {
    this.#disk = disk;
    this.#patches = patches;
    this.virtualSize = virtualSize;
  }

  read(offset: number, into: Uint8Array): void {
    this.asked.push({ offset, length: into.length });
    this.#disk.read(offset, into);
    for (const patch of this.#patches) {
      const from = Math.max(offset, patch.offset);
      const to = Math.min(offset + into.length, patch.offset + patch.bytes.length);
      if (from < to) into.set(patch.bytes.subarray(from - patch.offset, to - patch.offset), from - offset);
    }
  }
}

/** A disk in memory. */
export const memoryDisk = (bytes: Uint8Array): ReadableDisk => ({
  virtualSize: bytes.length,
  read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
});
