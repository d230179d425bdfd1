// MS-VHDX 2.6.2.6 "Parent Locator". All fields are little-endian; text is UTF-16.
import type { ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { readGuid, type Guid } from './guid.ts';
import { malformed, unsupported, type FilePlace } from './vhdx-refusal.ts';

/** How a differencing disk names its parent. */
export interface ParentLocator {
  /** Data write GUIDs, one of which the parent must have. The second one is there while two disks are merged. */
  readonly linkages: readonly Guid[];
  /** Its paths to the parent as it spells them, the relative one first. */
  readonly paths: readonly [string, ...string[]];
}

/** The only type of locator: a VHDX file as parent. */
const LOCATOR_TYPE: Guid = 'b04aefb7-d19e-4a81-b789-25b8e9445913';
const PATH_KEYS = ['relative_path', 'volume_path', 'absolute_win32_path'] as const;
const COUNT_FIELD = 18;
const ENTRIES_START = 20;
const ENTRY_SIZE = 12;
/** Five keys are defined; more than this is no locator. */
const ENTRIES_MAX = 64;
/** Hyper-V's longest path in UTF-16, and room for more. */
const LOCATOR_SIZE_MAX = 256 * 1024;
const BRACED_GUID = /^\{([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}$/i;

export function readParentLocator(file: ByteFile, range: ByteRange): ParentLocator {
  const at: Required<FilePlace> = { path: file.path, offset: range.offset };
  if (range.length < ENTRIES_START || range.length > LOCATOR_SIZE_MAX) throw malformed(`a parent locator of ${range.length} bytes cannot be one`, at);
  const bytes = Buffer.alloc(range.length);
  file.read(range.offset, bytes);
  const type = readGuid(bytes, 0);
  if (type !== LOCATOR_TYPE) throw unsupported(`its parent is located in a way that is not known, ${type}`, at);
  const count = bytes.readUInt16LE(COUNT_FIELD);
  if (count > ENTRIES_MAX || ENTRIES_START + count * ENTRY_SIZE > bytes.length)
    throw malformed(`its parent locator says it has ${count} entries`, { ...at, offset: at.offset + COUNT_FIELD });

  const entries = new Map<string, string>();
  for (let index = 0; index < count; index += 1) {
    const start = ENTRIES_START + index * ENTRY_SIZE;
    const place = { ...at, offset: at.offset + start };
    const key = textAt(bytes, { offset: bytes.readUInt32LE(start), length: bytes.readUInt16LE(start + 8) }, place);
    if (entries.has(key)) throw malformed(`its parent locator has the key ${JSON.stringify(key)} twice`, place);
    entries.set(key, textAt(bytes, { offset: bytes.readUInt32LE(start + 4), length: bytes.readUInt16LE(start + 10) }, place));
  }
  const linkages = ['parent_linkage', 'parent_linkage2'].flatMap((key) => BRACED_GUID.exec(entries.get(key) ?? '')?.[1]?.toLowerCase() ?? []);
  if (!BRACED_GUID.test(entries.get('parent_linkage') ?? ''))
    throw malformed('its parent locator does not say which state of its parent it belongs to', at);
  const [first, ...others] = PATH_KEYS.flatMap((key) => entries.get(key) ?? []);
  if (first === undefined) throw malformed('its parent locator has no path', at);
  return { linkages, paths: [first, ...others] };
}

function textAt(bytes: Buffer, range: ByteRange, at: FilePlace): string {
  const { offset, length } = range;
  if (offset < ENTRIES_START || offset + length > bytes.length || length === 0 || length % 2 !== 0)
    throw malformed(`its parent locator has a text of ${length} bytes at byte ${offset} of it`, at);
  return bytes.toString('utf16le', offset, offset + length);
}
