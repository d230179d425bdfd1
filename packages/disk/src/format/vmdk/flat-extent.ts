import { endOf, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { FileRun } from '../disk-image.ts';
import type { DiskExtent } from './disk-extent.ts';
import { malformed } from './vmdk-refusal.ts';

/** A FLAT or VMFS extent: a range of a file, byte for byte. */
export class FlatExtent implements DiskExtent {
  readonly length: number;
  readonly file: ByteFile;
  readonly #start: number;

  private constructor(file: ByteFile, range: ByteRange) {
    this.file = file;
    this.length = range.length;
    this.#start = range.offset;
  }

  static open(file: ByteFile, range: ByteRange): FlatExtent {
    if (endOf(range) > file.size) {
      throw malformed(`its descriptor gives it ${range.length} bytes from byte ${range.offset} on, but it ends at ${file.size}`, { path: file.path });
    }
    return new FlatExtent(file, range);
  }

  *extents(range: ByteRange): Generator<Extent> {
    for (const { offset, length, kind } of this.file.extents({ offset: this.#start + range.offset, length: range.length })) {
      yield { offset: offset - this.#start, length, kind };
    }
  }

  read(offset: number, into: Uint8Array): void {
    this.file.read(this.#start + offset, into);
  }

  locate(range: ByteRange): FileRun | undefined {
    return this.file.fd === undefined ? undefined : { fd: this.file.fd, fileOffset: this.#start + range.offset, length: range.length };
  }

  [Symbol.dispose](): void {
    // Holds nothing but the file.
  }
}
