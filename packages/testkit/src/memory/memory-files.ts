import { HyperError, type ImageFormat } from '@hypersdk/domain';
import type { BlockLocator } from '@hypersdk/ports';

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
  open({ image }: BlockLocator): MemoryFileState {
    const file = this.#files.get(image.path);
    if (!file) throw new HyperError('source/not-found', `There is no file ${image.path}.`);
    return file;
  }

  locate(path: string, format: ImageFormat = 'raw'): BlockLocator {
    return { kind: 'image', image: { path, format, references: 'refuse' } };
  }
}
