import type { ByteRange, Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { FileRun } from '../disk-image.ts';

/**
 * One extent of a virtual disk (a `RW …` line of its descriptor). All offsets count from the extent's own start; ranges lie inside it.
 * The file is not the extent's own: whoever opened it closes it.
 */
export interface DiskExtent extends Disposable {
  readonly length: number;
  readonly file?: ByteFile;
  extents(range: ByteRange): Iterable<Extent>;
  read(offset: number, into: Uint8Array): void;
  locate(range: ByteRange): FileRun | undefined;
}
