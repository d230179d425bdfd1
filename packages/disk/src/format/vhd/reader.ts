import { formatBytes } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { ImageReader, OpenOptions } from '../disk-image.ts';
import { refuse } from '../refusal.ts';
import { BlockAllocationTable } from './block-allocation-table.ts';
import { DynamicImage } from './dynamic-image.ts';
import { readDynamicHeader } from './dynamic-header.ts';
import { findFooter, type ChosenFooter } from './find-footer.ts';
import { FixedImage } from './fixed-image.ts';
import { footerAtEnd, FOOTER_SIZE, hasCookie, visibleSize } from './footer.ts';
import { openParent } from './open-parent.ts';
import type { VhdImage } from './vhd-image.ts';
import { SECTOR_SIZE, VIRTUAL_SIZE_MAX } from './vhd-limits.ts';
import { malformed, tooLarge } from './vhd-refusal.ts';

/** Reads fixed, dynamic and differencing VHDs. */
export const vhdReader = {
  format: 'vhd',

  probe: (head) => hasCookie(head),

  probeTail(tail, fileSize) {
    const found = footerAtEnd(tail, fileSize);
    if ('why' in found) return false;
    const { footer, offset } = found;
    // Any disk may end with bytes that a guest wrote, so everything has to fit.
    return footer.type === 'fixed' ? footer.currentSize === offset : (footer.headerOffset ?? fileSize) < offset;
  },

  open: openVhd,
} as const satisfies ImageReader;

function openVhd(file: ByteFile, o: OpenOptions): VhdImage {
  const { path, size } = file;
  if (size < SECTOR_SIZE) throw malformed(`the file has ${size} bytes, fewer than a footer`, { path });
  requireCookie(file);
  const found = findFooter(file);
  const virtualSize = checkedSize(found, path, Math.min(o.virtualSizeMax ?? VIRTUAL_SIZE_MAX, VIRTUAL_SIZE_MAX));
  const end = found.offset === 0 ? size : found.offset;
  const { headerOffset } = found.footer;
  if (headerOffset === undefined) {
    if (virtualSize > end)
      throw malformed(`it is cut short: a disk of ${virtualSize} bytes has only ${end} before its footer`, { path, offset: end });
    return new FixedImage(file, found, virtualSize);
  }
  const header = readDynamicHeader(file, { offset: headerOffset, virtualSize, end });
  const table = BlockAllocationTable.read(file, header, end);
  const parent = found.footer.type === 'differencing' ? openParent({ file, header, openVhd }, o) : undefined;
  return new DynamicImage({ file, footer: found, header, table, virtualSize, parent });
}

/** A file without a cookie at either end is something else, and not a damaged VHD. */
function requireCookie(file: ByteFile): void {
  const head = new Uint8Array(8);
  file.read(0, head);
  const tail = new Uint8Array(FOOTER_SIZE);
  file.read(file.size - FOOTER_SIZE, tail);
  if (hasCookie(head) || hasCookie(tail) || hasCookie(tail.subarray(1))) return;
  throw refuse('image/format-mismatch', 'it has the cookie of a footer neither at its end nor at its front', {
    format: 'vhd',
    path: file.path,
    offset: 0,
  });
}

function checkedSize({ footer, offset }: ChosenFooter, path: string, max: number): number {
  const virtualSize = visibleSize(footer);
  const at = { path, offset: offset + 48 };
  if (virtualSize === 0) throw malformed('its disk has no bytes', at);
  if (virtualSize % SECTOR_SIZE !== 0) throw malformed(`a disk of ${virtualSize} bytes has no whole number of sectors`, at);
  if (virtualSize > max) throw tooLarge(`a disk of ${formatBytes(virtualSize)} is over the limit of ${formatBytes(max)}`, at);
  return virtualSize;
}
