// Virtual Disk Format 5.0, "Stream-Optimized Compressed Sparse Extents": the footer repeats the header and knows the directory's place.
import type { ByteFile } from '../../file/byte-file.ts';
import { isTableMarker } from './marker.ts';
import { tableSpan } from './metadata-areas.ts';
import { parseSparseHeader, repeatsHeader, type SparseHeader } from './sparse-header.ts';
import { SECTOR_SIZE } from './vmdk-limits.ts';
import { malformed } from './vmdk-refusal.ts';

/** The header of a sparse extent, with the directory's place known. */
export interface CompleteHeader {
  readonly header: SparseHeader & { readonly directoryOffset: number };
  /** Whether the directory's place came from the footer. */
  readonly atEnd: boolean;
}

/** Footer marker, footer, end-of-stream marker. */
const TAIL_SIZE = 3 * SECTOR_SIZE;

export function readSparseHeader(file: ByteFile): CompleteHeader {
  const { path } = file;
  if (file.size < SECTOR_SIZE) throw malformed('it is shorter than a header', { path });
  const bytes = new Uint8Array(SECTOR_SIZE);
  file.read(0, bytes);
  const header = parseSparseHeader(bytes, { path, offset: 0 });
  if (header.directoryOffset !== undefined) return { header: { ...header, directoryOffset: header.directoryOffset }, atEnd: false };
  return { header: readFooter(file, bytes), atEnd: true };
}

function readFooter(file: ByteFile, headerBytes: Uint8Array): CompleteHeader['header'] {
  const { path, size } = file;
  if (size < SECTOR_SIZE + TAIL_SIZE || size % SECTOR_SIZE !== 0) throw malformed('it is cut short: its footer is missing', { path });
  const start = size - TAIL_SIZE;
  const tail = new Uint8Array(TAIL_SIZE);
  file.read(start, tail);
  const bytes = tail.subarray(SECTOR_SIZE, 2 * SECTOR_SIZE);
  if (!isTableMarker(tail, 'footer', SECTOR_SIZE)) throw malformed('it is cut short: no marker announces its footer', { path, offset: start });
  if (!isTableMarker(tail.subarray(2 * SECTOR_SIZE), 'end-of-stream', 0))
    throw malformed('its end-of-stream marker is missing', { path, offset: size - SECTOR_SIZE });
  if (!repeatsHeader(bytes, headerBytes)) throw malformed('its footer does not repeat its header', { path, offset: start + SECTOR_SIZE });

  const footer = parseSparseHeader(bytes, { path, offset: start + SECTOR_SIZE });
  if (footer.directoryOffset === undefined)
    throw malformed('its footer does not say where the grain directory lies', { path, offset: start + SECTOR_SIZE });
  const marker = new Uint8Array(SECTOR_SIZE);
  if (footer.directoryOffset < 2 * SECTOR_SIZE || footer.directoryOffset >= start) {
    throw malformed(`the grain directory is said to lie at byte ${footer.directoryOffset}, outside the stream`, {
      path,
      offset: start + SECTOR_SIZE,
    });
  }
  file.read(footer.directoryOffset - SECTOR_SIZE, marker);
  const length = Math.ceil(footer.capacity / tableSpan(footer)) * 4;
  if (!isTableMarker(marker, 'grain-directory', length)) {
    throw malformed('the grain directory is not preceded by its marker', { path, offset: footer.directoryOffset - SECTOR_SIZE });
  }
  return { ...footer, directoryOffset: footer.directoryOffset };
}
