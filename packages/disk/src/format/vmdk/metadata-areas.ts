import { endOf, type ByteRange } from '@hypersdk/domain';
import type { SparseHeader } from './sparse-header.ts';
import { DIRECTORY_ENTRIES_MAX } from './vmdk-limits.ts';
import { malformed, tooLarge, type FilePlace } from './vmdk-refusal.ts';

/** A part of a sparse extent in which no table and no grain may lie. */
export interface MetadataArea extends ByteRange {
  readonly what: string;
}

/** Bytes of disk that one grain table covers. */
export const tableSpan = ({ grainSize, tableEntries }: Pick<SparseHeader, 'grainSize' | 'tableEntries'>): number => grainSize * tableEntries;

export const overlaps = (a: ByteRange, b: ByteRange): boolean => a.offset < endOf(b) && b.offset < endOf(a);

/** Header, descriptor and directories of an extent, after checking that they lie inside the file and apart from each other. */
export function toMetadataAreas(
  header: SparseHeader & { readonly directoryOffset: number },
  file: { readonly path: string; readonly size: number },
): readonly MetadataArea[] {
  const at: FilePlace = { path: file.path };
  const entries = Math.ceil(header.capacity / tableSpan(header));
  if (entries > DIRECTORY_ENTRIES_MAX) throw tooLarge(`a grain directory of ${entries} entries is over the limit of ${DIRECTORY_ENTRIES_MAX}`, at);
  if (header.overhead > file.size) throw malformed(`it ends at byte ${file.size}, but its metadata alone takes ${header.overhead} bytes`, at);

  const directory = { length: entries * 4, what: 'grain directory' };
  const areas: MetadataArea[] = [{ offset: 0, length: header.size, what: 'header' }];
  if (header.descriptor.length > 0) areas.push({ ...header.descriptor, what: 'descriptor' });
  areas.push({ ...directory, offset: header.directoryOffset });
  if (header.redundantDirectoryOffset !== undefined)
    areas.push({ ...directory, offset: header.redundantDirectoryOffset, what: 'redundant grain directory' });

  checkAreas(areas, file);
  return areas;
}

/** Refuses areas that reach over the end of the file or into each other. */
export function checkAreas(areas: readonly MetadataArea[], file: { readonly path: string; readonly size: number }): void {
  const at: FilePlace = { path: file.path };
  areas.forEach((area, index) => {
    if (endOf(area) > file.size)
      throw malformed(`its ${area.what} is said to lie at bytes ${area.offset} to ${endOf(area)}, but the file ends at ${file.size}`, at);
    const other = areas.slice(0, index).find((earlier) => overlaps(earlier, area));
    if (other) throw malformed(`its ${area.what} overlaps its ${other.what}`, { ...at, offset: area.offset });
  });
}
