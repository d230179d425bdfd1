import { KIB, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { FileRun } from '../disk-image.ts';
import type { ChosenFooter } from './find-footer.ts';
import { describeFooter, type VhdImage } from './vhd-image.ts';

/** Most file systems keep extents in multiples of this. */
const UNIT = 4 * KIB;

/** "Fixed Hard Disk Image": the disk byte for byte, then the footer. */
export class FixedImage implements VhdImage {
  readonly format = 'vhd';
  readonly unitSize = UNIT;
  readonly virtualSize: number;
  readonly uniqueId: string;
  readonly timeStamp: number;
  readonly info: VhdImage['info'];
  readonly files: readonly ByteFile[];
  readonly #file: ByteFile;

  constructor(file: ByteFile, footer: ChosenFooter, virtualSize: number) {
    this.#file = file;
    this.files = [file];
    this.virtualSize = virtualSize;
    this.uniqueId = footer.footer.uniqueId;
    this.timeStamp = footer.footer.timeStamp;
    const details = describeFooter(footer);
    this.info = { format: 'vhd', subformat: 'fixed', virtualSize, unitSize: UNIT, references: [], snapshotCount: 0, details };
  }

  extents(range: ByteRange): Iterable<Extent> {
    return this.#file.extents(range);
  }

  read(offset: number, into: Uint8Array): void {
    this.#file.read(offset, into);
  }

  locate({ offset, length }: ByteRange): FileRun | undefined {
    return this.#file.fd === undefined ? undefined : { fd: this.#file.fd, fileOffset: offset, length };
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
