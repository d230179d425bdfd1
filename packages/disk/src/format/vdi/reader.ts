import type { ByteFile } from '../../file/byte-file.ts';
import type { ImageReader, OpenOptions } from '../disk-image.ts';
import { BlockTable } from './block-table.ts';
import { hasSignature, readHeader } from './header.ts';
import { openParent } from './open-parent.ts';
import { VdiImage } from './vdi-image.ts';
import { VIRTUAL_SIZE_MAX } from './vdi-limits.ts';

/** Reads dynamic, static and differencing VDIs of version 1.1. */
export const vdiReader = {
  format: 'vdi',
  probe: hasSignature,
  open: openVdi,
} as const satisfies ImageReader;

function openVdi(file: ByteFile, o: OpenOptions): VdiImage {
  const header = readHeader(file, o.virtualSizeMax ?? VIRTUAL_SIZE_MAX);
  const table = new BlockTable(file, header);
  // The first page of the table is checked now: it is all of a disk up to 16 GiB.
  table.placeOf(0);
  const parent = header.type === 'differencing' ? openParent({ file, header, openVdi }, o) : undefined;
  return new VdiImage({ file, header, table, parent });
}
