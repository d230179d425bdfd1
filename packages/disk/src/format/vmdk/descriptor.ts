// Virtual Disk Format 5.0, "The Descriptor File".
import { formatBytes, type ReferencePolicy } from '@hypersdk/domain';
import { followedName } from '../followed-name.ts';
import { DESCRIPTOR_EXTENTS_MAX, DESCRIPTOR_SIZE_MAX, SECTOR_SIZE, VIRTUAL_SIZE_MAX } from './vmdk-limits.ts';
import { encrypted, malformed, refusedReference, tooLarge, unsupported } from './vmdk-refusal.ts';

export interface Descriptor {
  readonly createType: CreateType;
  /** In lower case and without leading zeros, so that two of them can be compared. */
  readonly contentId: string;
  /** The disk that shows where this one holds nothing. */
  readonly parent: DescriptorParent | undefined;
  readonly extents: readonly DescriptorExtent[];
  /** Sum of the extents, in bytes. */
  readonly virtualSize: number;
  readonly adapterType: string | undefined;
}

export interface DescriptorParent {
  /** What the parent's content id was when this disk was put over it. */
  readonly contentId: string;
  /** The parent's descriptor, as this one spells it. */
  readonly name: string;
}

/** One line of the extent section. Length and offset are bytes. */
export interface DescriptorExtent {
  readonly type: ExtentType;
  readonly length: number;
  /** The file as the descriptor spells it; ZERO extents have none. */
  readonly name: string | undefined;
  /** Where in the file the extent begins. */
  readonly fileOffset: number;
}

const EXTENT_TYPES = ['SPARSE', 'FLAT', 'VMFS', 'VMFSSPARSE', 'SESPARSE', 'ZERO'] as const;
type ExtentType = (typeof EXTENT_TYPES)[number];

/** Kinds of disks that are read, and the extents each may have. */
const EXTENTS_OF = {
  monolithicSparse: ['SPARSE'],
  streamOptimized: ['SPARSE'],
  twoGbMaxExtentSparse: ['SPARSE', 'ZERO'],
  monolithicFlat: ['FLAT', 'ZERO'],
  twoGbMaxExtentFlat: ['FLAT', 'ZERO'],
  vmfs: ['VMFS', 'FLAT', 'ZERO'],
  vmfsSparse: ['VMFSSPARSE', 'ZERO'],
  seSparse: ['SESPARSE', 'ZERO'],
  custom: EXTENT_TYPES,
} as const satisfies Readonly<Record<string, readonly ExtentType[]>>;
export type CreateType = keyof typeof EXTENTS_OF;

/** Keys that have no bearing on the content. `ddb.…` keys describe the virtual hardware. */
const KEYS = new Set(['version', 'encoding', 'cid', 'parentcid', 'isnativesnapshot', 'createtype', 'parentfilenamehint', 'changetrackpath']);
const VERSIONS = ['1', '2', '3'];
/** The content id of a parent that does not exist. */
const NO_PARENT = 'ffffffff';
export const DESCRIPTOR_START = '# Disk DescriptorFile';

/** The extents, and more settings than any program writes. */
const LINES_MAX = DESCRIPTOR_EXTENTS_MAX + 1024;
const LINE_LENGTH_MAX = 1024;
const LINE_FEED = 0x0a;
const KEY_LINE = /^([A-Za-z][\w.]*) ?= ?(?:"([^"]*)"|([^" ]*))$/;
const EXTENT_LINE = /^(RW|RDONLY|NOACCESS) (\d{1,15}) ([A-Z]+)(?: "([^"]+)"(?: (\d{1,15}))?)?$/;

/** Where a descriptor lies: a file of its own, or a range inside a sparse extent. */
export interface DescriptorPlace {
  readonly path: string;
  readonly offset: number;
}

/** Reads a descriptor strictly: what is not known is refused, because it may mean that the content lies elsewhere. So are names that `references` never allows. */
export function parseDescriptor(bytes: Uint8Array, at: DescriptorPlace, references: ReferencePolicy): Descriptor {
  const settings = new Map<string, string>();
  const extents: DescriptorExtent[] = [];
  for (const { text, offset } of linesOf(bytes, at)) {
    const place = { path: at.path, offset };
    if (/^(?:RW|RDONLY|NOACCESS)\b/.test(text)) {
      if (extents.length >= DESCRIPTOR_EXTENTS_MAX) throw tooLarge(`its descriptor has more than ${DESCRIPTOR_EXTENTS_MAX} extents`, place);
      extents.push(parseExtent(text, place, references));
    } else {
      const { key, value } = parseSetting(text, place);
      if (settings.has(key) && KEYS.has(key)) throw malformed(`its descriptor says ${key} twice`, place);
      settings.set(key, value);
    }
  }
  checkSettings(settings, at);
  const parent = parseParent(settings, at, references);
  const createType = parseCreateType(settings.get('createtype'), at);
  return {
    createType,
    contentId: toContentId(settings.get('cid') ?? ''),
    parent,
    extents,
    virtualSize: checkExtents(extents, createType, at),
    adapterType: settings.get('ddb.adaptertype'),
  };
}

/** Lines that say something, blanks narrowed, with their byte offsets. The text ends at the first NUL: embedded descriptors are padded with them. */
function linesOf(bytes: Uint8Array, at: DescriptorPlace): readonly { readonly text: string; readonly offset: number }[] {
  if (bytes.length > DESCRIPTOR_SIZE_MAX)
    throw tooLarge(`a descriptor of ${formatBytes(bytes.length)} is over the limit of ${formatBytes(DESCRIPTOR_SIZE_MAX)}`, at);
  const padding = bytes.indexOf(0);
  const text = bytes.subarray(0, padding < 0 ? bytes.length : padding);
  // Before anything is made of each line.
  if (hasMoreLines(text, LINES_MAX)) throw tooLarge(`its descriptor has more than ${LINES_MAX} lines`, at);
  const foreign = text.findIndex((byte) => (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) || byte > 0x7e);
  if (foreign >= 0) throw malformed('its descriptor has a byte that is not ASCII text', { path: at.path, offset: at.offset + foreign });

  const raw = Buffer.from(text).toString('latin1').split('\n');
  if (raw[0]?.trim().toLowerCase() !== DESCRIPTOR_START.toLowerCase())
    throw malformed(`its descriptor does not begin with "${DESCRIPTOR_START}"`, at);
  let offset = at.offset;
  const lines = raw.map((line) => {
    const start = offset;
    offset += line.length + 1;
    if (line.length > LINE_LENGTH_MAX)
      throw malformed(`a line of its descriptor is longer than ${LINE_LENGTH_MAX} characters`, { path: at.path, offset: start });
    return { text: line.trim().replace(/[\t ]+/g, ' '), offset: start };
  });
  return lines.filter(({ text: line }) => line !== '' && !line.startsWith('#'));
}

function hasMoreLines(text: Uint8Array, max: number): boolean {
  let newline = -1;
  for (let lines = 1; lines <= max; lines += 1) {
    newline = text.indexOf(LINE_FEED, newline + 1);
    if (newline < 0) return false;
  }
  return true;
}

function parseSetting(text: string, at: DescriptorPlace): { readonly key: string; readonly value: string } {
  const match = KEY_LINE.exec(text);
  const key = match?.[1]?.toLowerCase();
  if (key === undefined) throw malformed(`the line "${shorten(text)}" of its descriptor is neither a setting nor an extent`, at);
  const value = match?.[2] ?? match?.[3] ?? '';
  if (/^(?:ddb\.)?(?:encryption|keysafe)/.test(key) || (key === 'ddb.iofilters' && /crypt/i.test(value)))
    throw encrypted(`its descriptor has ${shorten(text)}`, at);
  if (!KEYS.has(key) && !key.startsWith('ddb.')) throw unsupported(`the setting ${shorten(key)} of its descriptor is not known`, at);
  return { key, value };
}

function checkSettings(settings: ReadonlyMap<string, string>, at: DescriptorPlace): void {
  const version = settings.get('version') ?? '';
  if (!VERSIONS.includes(version)) throw unsupported(`version "${shorten(version)}" of descriptors is not known`, at);
  const tracking = settings.get('changetrackpath');
  if (tracking !== undefined && followedName([tracking], 'beside') === undefined)
    throw refusedReference(`it names a file in another place, "${shorten(tracking)}"`, at);
}

/** Content ids are 32 bits in hexadecimal (Virtual Disk Format 5.0, "The Header"). */
const toContentId = (text: string): string => text.toLowerCase().replace(/^0+(?=.)/, '');

function parseParent(settings: ReadonlyMap<string, string>, at: DescriptorPlace, references: ReferencePolicy): DescriptorParent | undefined {
  const contentId = settings.get('parentcid');
  if (contentId === undefined) throw malformed('its descriptor does not say whether it has a parent', at);
  const name = settings.get('parentfilenamehint');
  if (toContentId(contentId) === NO_PARENT) {
    if (name !== undefined) throw refusedReference(`it names a parent disk, "${shorten(name)}", although it has none`, at);
    return undefined;
  }
  if (!/^[\da-f]{1,8}$/i.test(contentId)) throw malformed(`"${shorten(contentId)}" is not the content id of a parent`, at);
  if (name === undefined || name === '') {
    throw unsupported(`it holds only what changed since another disk (parentCID ${contentId}), which it does not name`, at);
  }
  checkName(name, at, references);
  return { contentId: toContentId(contentId), name };
}

function checkName(name: string | undefined, at: DescriptorPlace, references: ReferencePolicy): void {
  // Under a policy that opens nothing, where a plain name would lead is not yet the question.
  if (name === undefined || followedName([name], references === 'refuse' ? 'beside' : references) !== undefined) return;
  throw refusedReference(`it names a file in another place, "${shorten(name)}"`, at);
}

function parseCreateType(text: string | undefined, at: DescriptorPlace): CreateType {
  const types: readonly string[] = Object.keys(EXTENTS_OF);
  const found = types.find((type) => type.toLowerCase() === text?.toLowerCase());
  if (found === undefined) throw unsupported(`its createType "${shorten(text ?? '')}" is not one of ${types.join(', ')}`, at);
  return found as CreateType;
}

function parseExtent(text: string, at: DescriptorPlace, references: ReferencePolicy): DescriptorExtent {
  const [, access, sectors, type, name, offset] = EXTENT_LINE.exec(text) ?? [];
  if (sectors === undefined || type === undefined) throw malformed(`the line "${shorten(text)}" of its descriptor is not a proper extent`, at);
  if (access === 'NOACCESS') throw unsupported('one of its extents may not be accessed', at);
  if (!isExtentType(type)) throw unsupported(`extents of type ${shorten(type)} are not known`, at);
  if ((type === 'ZERO') !== (name === undefined))
    throw malformed(`the line "${shorten(text)}" of its descriptor ${name === undefined ? 'names no file' : 'names a file without use for it'}`, at);
  checkName(name, at, references);

  const length = Number(sectors) * SECTOR_SIZE;
  const fileOffset = Number(offset ?? 0) * SECTOR_SIZE;
  if (length === 0) throw malformed(`the line "${shorten(text)}" of its descriptor has no length`, at);
  if (length > VIRTUAL_SIZE_MAX || fileOffset > VIRTUAL_SIZE_MAX) {
    throw tooLarge(`the line "${shorten(text)}" of its descriptor reaches over the limit of ${formatBytes(VIRTUAL_SIZE_MAX)}`, at);
  }
  if (type !== 'FLAT' && type !== 'VMFS' && fileOffset > 0) throw malformed('a sparse extent begins inside its file', at);
  return { type, length, name, fileOffset };
}

function checkExtents(extents: readonly DescriptorExtent[], createType: CreateType, at: DescriptorPlace): number {
  const allowed: readonly ExtentType[] = EXTENTS_OF[createType];
  const wrong = extents.find(({ type }) => !allowed.includes(type));
  if (wrong?.name !== undefined)
    throw refusedReference(`it names "${shorten(wrong.name)}" as a ${wrong.type} extent, which a ${createType} disk cannot have`, at);
  if (wrong) throw malformed(`a ${createType} disk cannot have a ${wrong.type} extent`, at);
  const shared = extents.find((extent, index) => extents.slice(0, index).some((earlier) => overlap(extent, earlier)));
  if (shared?.name !== undefined) throw malformed(`two of its extents lie in the same part of the file "${shorten(shared.name)}"`, at);

  const virtualSize = extents.reduce((sum, { length }) => sum + length, 0);
  if (virtualSize === 0) throw malformed('its descriptor names no extents', at);
  if (virtualSize > VIRTUAL_SIZE_MAX)
    throw tooLarge(`its extents sum to ${formatBytes(virtualSize)}, over the limit of ${formatBytes(VIRTUAL_SIZE_MAX)}`, at);
  return virtualSize;
}

/** Flat extents may be parts of one file; a sparse one has its file to itself. */
function overlap(a: DescriptorExtent, b: DescriptorExtent): boolean {
  if (a.name === undefined || a.name !== b.name) return false;
  if (!isFlat(a) || !isFlat(b)) return true;
  return a.fileOffset < b.fileOffset + b.length && b.fileOffset < a.fileOffset + a.length;
}

const isFlat = ({ type }: DescriptorExtent): boolean => type === 'FLAT' || type === 'VMFS';

const isExtentType = (text: string): text is ExtentType => EXTENT_TYPES.some((type) => type === text);

/** Long enough to recognise, short enough for a message. */
const SHOWN_MAX = 80;
const shorten = (text: string): string => (text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text);
