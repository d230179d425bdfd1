// QEMU docs/interop/qcow2, "Header extensions" and "Feature name table".
import { KIB } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { Header } from './header.ts';
import { malformed } from './malformed.ts';

const END = 0;
export const BACKING_FORMAT = 0xe2_79_2a_ca;
const FEATURE_NAMES = 0x68_03_f8_57;
const DATA_FILE_NAME = 0x44_41_54_41;
/** Five kinds are defined, each of which appears once. */
const EXTENSION_COUNT_MAX = 64;
/** The feature name table, by far the largest extension, has at most 192 entries of 48 bytes. */
const AREA_SIZE_MAX = 64 * KIB;
const FEATURE_ENTRY_SIZE = 48;
const NAME_LENGTH_MAX = 1023;

export interface HeaderExtensions {
  readonly backingFormat?: string;
  readonly dataFileName?: string;
  /** What the image calls its incompatible feature bits. */
  readonly featureNames: ReadonlyMap<number, string>;
}

/** Walks the extension area: from the end of the header to the backing file name or the end of the first cluster. Unknown extensions are skipped. */
export function parseHeaderExtensions(file: ByteFile, header: Header): HeaderExtensions {
  const { path } = file;
  const areaEnd = Math.min(header.backingName?.offset ?? header.clusterSize, file.size, header.headerLength + AREA_SIZE_MAX);
  const area = Buffer.alloc(Math.max(0, areaEnd - header.headerLength));
  file.read(header.headerLength, area);
  let found: HeaderExtensions = { featureNames: new Map() };
  let at = 0;
  for (let count = 0; at + 8 <= area.length; count += 1) {
    const type = area.readUInt32BE(at);
    if (type === END) return found;
    const place = header.headerLength + at;
    if (count === EXTENSION_COUNT_MAX) throw malformed(path, `it has more than ${EXTENSION_COUNT_MAX} header extensions`, place);
    const length = area.readUInt32BE(at + 4);
    if (at + 8 + length > area.length) throw malformed(path, `a header extension of ${length} bytes reaches past the header's cluster`, place);
    const content = area.subarray(at + 8, at + 8 + length);
    found = { ...found, ...parseExtension(type, content, { path, offset: place }) };
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return found;
}

function parseExtension(type: number, content: Buffer, place: { readonly path: string; readonly offset: number }): Partial<HeaderExtensions> {
  if (type === BACKING_FORMAT) return { backingFormat: parseName(content, 'backing format', place) };
  if (type === DATA_FILE_NAME) return { dataFileName: parseName(content, 'external data file name', place) };
  if (type === FEATURE_NAMES) return { featureNames: parseFeatureNames(content) };
  return {};
}

function parseName(content: Buffer, what: string, place: { readonly path: string; readonly offset: number }): string {
  if (content.length === 0 || content.length > NAME_LENGTH_MAX) throw malformed(place.path, `the ${what} has ${content.length} bytes`, place.offset);
  return content.toString('utf8');
}

function parseFeatureNames(content: Buffer): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (let at = 0; at + FEATURE_ENTRY_SIZE <= content.length; at += FEATURE_ENTRY_SIZE) {
    const isIncompatible = content[at] === 0;
    const name = content.toString('latin1', at + 2, at + FEATURE_ENTRY_SIZE).replace(/[^\x20-\x7e].*$/s, '');
    if (isIncompatible && name !== '') names.set(content.readUInt8(at + 1), name);
  }
  return names;
}
