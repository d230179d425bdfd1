import { HyperError, type ImageFormat } from '@hypersdk/domain';
import type { BlockLocator, ImageLocator } from '@hypersdk/ports';

/** A file's bytes and how often it was written. */
export interface MemoryFileState {
  readonly bytes: Uint8Array;
  readonly version: number;
}

/** Files by path, in memory; each write is seen as a new version. */
export class MemoryFiles {
  readonly #files = new Map<string, MemoryFileState>();

  write(path: string, bytes: Uint8Array): void {
    this.#files.set(path, { bytes: bytes.slice(), version: (this.#files.get(path)?.version ?? 0) + 1 });
  }

  find(path: string): MemoryFileState | undefined {
    return this.#files.get(path);
  }

  /** The file that a locator names. */
  open(locator: BlockLocator): MemoryFileState {
    const path = pathOf(locator);
    const file = this.#files.get(path);
    if (!file) throw new HyperError('source/not-found', `There is no file ${path}.`);
    return file;
  }

  locate(path: string, format: ImageFormat = 'raw'): ImageLocator {
    return { kind: 'image', image: { path, format, references: 'refuse' } };
  }
}

/** There is no server in memory: whatever is not a file is not there. */
export function pathOf(locator: BlockLocator): string {
  if (locator.kind === 'image') return locator.image.path;
  return locator.kind === 'nbd' ? locator.exportName : locator.url;
}
