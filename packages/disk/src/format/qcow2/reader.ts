import type { ByteFile } from '../../file/byte-file.ts';
import type { DiskImage, ImageReader, OpenOptions } from '../disk-image.ts';
import { ClusterMap } from './cluster-map.ts';
import { MAGIC, parseHeader } from './header.ts';
import { parseHeaderExtensions } from './header-extensions.ts';
import { Qcow2Image } from './image.ts';
import { inspectFeatures, inspectTables } from './inspect-header.ts';
import { openReferences } from './open-references.ts';

/** Reads qcow2 versions 2 and 3. Everything that the header says is checked here, in the order in which it can be relied on; L2 entries are checked as they are read. */
export const qcow2Reader = {
  format: 'qcow2',
  probe: (head: Uint8Array): boolean => head.length >= 4 && new DataView(head.buffer, head.byteOffset, 4).getUint32(0) === MAGIC,
  open: openQcow2,
} as const satisfies ImageReader;

function openQcow2(file: ByteFile, o: OpenOptions): DiskImage {
  const header = parseHeader(file, { virtualSizeMax: o.virtualSizeMax });
  const extensions = parseHeaderExtensions(file, header);
  inspectFeatures(header, extensions, file.path);
  const regions = inspectTables(header, file);
  const references = openReferences({ file, header, extensions, reader: qcow2Reader }, o);
  try {
    const map = new ClusterMap({ file, header, regions, dataFile: references.dataFile });
    map.inspect();
    return new Qcow2Image({ file, header, map, references });
  } catch (error) {
    references[Symbol.dispose]();
    throw error;
  }
}
