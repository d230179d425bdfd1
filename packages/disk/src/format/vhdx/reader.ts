import type { ByteFile } from '../../file/byte-file.ts';
import type { ImageReader, OpenOptions } from '../disk-image.ts';
import { BlockTable } from './block-table.ts';
import { FILE_SIGNATURE, readFileHeader } from './file-header.ts';
import { VhdxImage } from './image.ts';
import { readMetadata } from './metadata.ts';
import { openParent } from './open-parent.ts';
import { readParentLocator } from './parent-locator.ts';
import { readRegions } from './region-table.ts';
import { replayLog } from './replay-log.ts';
import { mismatched } from './vhdx-refusal.ts';

/** Reads Hyper-V's virtual disks: dynamic, fixed and differencing, with a log that was left to be replayed. */
export const vhdxReader = {
  format: 'vhdx',
  probe: (head) => Buffer.from(head.subarray(0, FILE_SIGNATURE.length)).toString('latin1') === FILE_SIGNATURE,
  open: openVhdx,
} as const satisfies ImageReader;

/** Checks things in the order in which they can be relied on: headers, log, regions, metadata; entries of the block table as they are read. */
function openVhdx(file: ByteFile, o: OpenOptions): VhdxImage {
  const head = new Uint8Array(Math.min(file.size, FILE_SIGNATURE.length));
  file.read(0, head);
  if (!vhdxReader.probe(head)) throw mismatched('it does not begin with the signature of the format', { path: file.path, offset: 0 });
  const header = readFileHeader(file);
  const content = replayLog(file, header);
  const regions = readRegions(content, header.log);
  const metadata = readMetadata(content, regions.metadata, { virtualSizeMax: o.virtualSizeMax });
  const table = new BlockTable({ file: content, metadata, regions });
  const { parentLocator, sectorSize } = metadata;
  if (!parentLocator) return new VhdxImage({ file, content, header, metadata, table, parent: undefined });
  const locator = readParentLocator(content, parentLocator);
  const image = openParent({ file, sectorSize, locator, locatorOffset: parentLocator.offset }, o, openVhdx);
  return new VhdxImage({ file, content, header, metadata, table, parent: { image, locator } });
}
