import type { ByteFile } from '../../file/byte-file.ts';
import type { DescriptorExtent } from './descriptor.ts';
import type { DiskExtent } from './disk-extent.ts';
import { malformed } from './vmdk-refusal.ts';

/** A line of a descriptor, the file that it names, and what shows where a sparse extent holds nothing. */
export interface ExtentParts {
  readonly line: DescriptorExtent;
  readonly file: ByteFile;
  readonly below: DiskExtent;
}

/** Some programs round the capacity up to whole grains; the descriptor then has the true size. */
export function checkCapacity({ line, file }: ExtentParts, { capacity, grainSize }: { readonly capacity: number; readonly grainSize: number }): void {
  if (capacity >= line.length && capacity < line.length + grainSize) return;
  throw malformed(`its descriptor says ${line.length} bytes and its header ${capacity}`, { path: file.path, offset: 0 });
}
