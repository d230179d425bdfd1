import { nativeCodecs } from '../../native/load.ts';
import { readCowdHeader } from './cowd-header.ts';
import type { DiskExtent } from './disk-extent.ts';
import { EmptyExtent } from './empty-extent.ts';
import { checkCapacity, type ExtentParts } from './extent-parts.ts';
import { FlatExtent } from './flat-extent.ts';
import { GrainDirectory } from './grain-directory.ts';
import { GrainInflater } from './grain-inflater.ts';
import { GrainTables } from './grain-tables.ts';
import { toMetadataAreas } from './metadata-areas.ts';
import { openSeSparse } from './se-sparse-map.ts';
import { SparseExtent } from './sparse-extent.ts';
import { readSparseHeader, type CompleteHeader } from './sparse-ends.ts';

/** Opens the file of an extent as what the descriptor says it is. */
export function openExtent(parts: ExtentParts): DiskExtent {
  const { line, file } = parts;
  switch (line.type) {
    case 'ZERO':
      return new EmptyExtent(line.length, 'zero');
    case 'FLAT':
    case 'VMFS':
      return FlatExtent.open(file, { offset: line.fileOffset, length: line.length });
    case 'SPARSE':
      return openSparse(parts, readSparseHeader(file));
    case 'VMFSSPARSE':
      return openSparse(parts, { header: readCowdHeader(file), atEnd: false });
    case 'SESPARSE':
      return openSeSparse(parts);
  }
}

/** Opens an extent with tables of 32-bit sector numbers. */
function openSparse(parts: ExtentParts, { header, atEnd }: CompleteHeader): SparseExtent {
  const { line, file, below } = parts;
  checkCapacity(parts, header);
  const areas = toMetadataAreas(header, file);
  const directory = GrainDirectory.open(file, areas, header);
  const map = new GrainTables({ file, header, directory, areas, marked: atEnd });
  const inflater = header.compressed ? new GrainInflater(file, header, nativeCodecs().decompressor('zlib')) : undefined;
  return new SparseExtent({ length: line.length, file, facts: header, map, inflater, below });
}
