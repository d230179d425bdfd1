// QEMU docs/interop/qcow2, "Header" and "Host cluster management": what the fields must be to each other and to the file.
import type { ByteFile } from '../../file/byte-file.ts';
import { refuse } from '../refusal.ts';
import { COMPRESSION_TYPES, EXTENDED_L2_BITS_MIN, FEATURE, hasFeature, snapshotTableSizeMin, type Header } from './header.ts';
import type { HeaderExtensions } from './header-extensions.ts';
import { malformed } from './malformed.ts';

/** Bytes of the file that belong to a table named by the header; nothing else may lie there. */
export interface Region {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Refuses features that we do not know or cannot read. */
export function inspectFeatures(header: Header, extensions: HeaderExtensions, path: string): void {
  const known: readonly number[] = Object.values(FEATURE);
  const unknown = header.features.find((bit) => !known.includes(bit));
  if (unknown !== undefined) {
    const name = extensions.featureNames.get(unknown);
    throw refuse('image/unsupported', `it needs the unknown feature ${unknown}${name === undefined ? '' : ` ("${name}")`}`, {
      format: 'qcow2',
      path,
      offset: 72,
    });
  }
  if (hasFeature(header, 'corrupt')) throw malformed(path, 'it is marked as corrupt; repair a copy with qemu-img check -r all', 72);
  if (header.encryption === 1 || header.encryption === 2) {
    throw refuse('image/encrypted', `its content is encrypted (${header.encryption === 1 ? 'AES' : 'LUKS'})`, { format: 'qcow2', path, offset: 32 });
  }
  if (header.encryption !== 0) throw malformed(path, `encryption method ${header.encryption} is not known`, 32);
  if (hasFeature(header, 'extendedL2') && header.clusterBits < EXTENDED_L2_BITS_MIN)
    throw malformed(path, `extended L2 entries need clusters of at least ${2 ** EXTENDED_L2_BITS_MIN} bytes`, 20);
  inspectCompression(header, path);
}

function inspectCompression(header: Header, path: string): void {
  const type = header.compressionType;
  if (!hasFeature(header, 'compressionType')) {
    if (type !== 0) throw malformed(path, `compression type ${type} is set without its feature bit`, 104);
    return;
  }
  if (type === 0) throw malformed(path, 'its feature bit says that a compression type is set, but none is', 104);
  if (!COMPRESSION_TYPES[type]) throw refuse('image/unsupported', `compression type ${type} is not known`, { format: 'qcow2', path, offset: 104 });
}

/** Bytes of disk that one L2 table maps. */
export function tableCoverage(header: Header): number {
  return (header.clusterSize / (hasFeature(header, 'extendedL2') ? 16 : 8)) * header.clusterSize;
}

/** Checks that the tables of the header lie in the file, apart from each other, and suffice for the disk. Answers where they lie. */
export function inspectTables(header: Header, file: ByteFile): readonly Region[] {
  const { path } = file;
  const { l1, refcountTable, snapshots } = header;
  const needed = Math.ceil(header.virtualSize / tableCoverage(header));
  if (l1.count < needed) throw malformed(path, `an L1 table of ${l1.count} entries does not cover the disk, which needs ${needed}`, 36);
  const regions: Region[] = [
    { name: 'header', start: 0, end: header.clusterSize },
    { name: 'L1 table', start: l1.offset, end: l1.offset + l1.count * 8 },
    { name: 'refcount table', start: refcountTable.offset, end: refcountTable.offset + refcountTable.size },
    { name: 'snapshot table', start: snapshots.offset, end: snapshots.offset + snapshotTableSizeMin(header) },
  ].filter((region) => region.end > region.start);
  const fieldOf: Readonly<Record<string, number>> = { 'L1 table': 40, 'refcount table': 48, 'snapshot table': 64 };
  for (const [index, region] of regions.entries()) {
    if (index === 0) continue;
    const field = fieldOf[region.name];
    if (region.start % header.clusterSize !== 0) throw malformed(path, `the ${region.name} is not aligned to a cluster`, field);
    if (region.end > file.size)
      throw malformed(path, `the ${region.name} ends at byte ${region.end}, past the end of the file at ${file.size}`, field);
    const other = regions.slice(0, index).find((earlier) => region.start < earlier.end && earlier.start < region.end);
    if (other) throw malformed(path, `the ${region.name} overlaps the ${other.name}`, field);
  }
  return regions;
}
