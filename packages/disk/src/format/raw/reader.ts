import { KIB, type ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { DiskImage, ImageReader } from '../disk-image.ts';

/** Most file systems keep extents in multiples of this. */
const BLOCK = 4 * KIB;

/** The bytes of the file are the bytes of the disk. */
export const rawReader = {
  format: 'raw',
  // Raw has no signature: it is what remains when no other format matches.
  probe: () => false,
  open: (file: ByteFile) => new RawImage(file),
} as const satisfies ImageReader;

class RawImage implements DiskImage {
  readonly format = 'raw';
  readonly unitSize = BLOCK;
  readonly virtualSize: number;
  readonly files: readonly ByteFile[];
  readonly info: DiskImage['info'];
  readonly #file: ByteFile;

  constructor(file: ByteFile) {
    this.#file = file;
    this.files = [file];
    this.virtualSize = file.size;
    this.info = { format: 'raw', virtualSize: file.size, unitSize: 1, references: [], snapshotCount: 0, details: {} };
  }

  extents(range: ByteRange): ReturnType<ByteFile['extents']> {
    return this.#file.extents(range);
  }

  read(offset: number, into: Uint8Array): void {
    this.#file.read(offset, into);
  }

  locate(range: ByteRange): { fd: number; fileOffset: number; length: number } | undefined {
    if (this.#file.fd === undefined) return undefined;
    return { fd: this.#file.fd, fileOffset: range.offset, length: range.length };
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
