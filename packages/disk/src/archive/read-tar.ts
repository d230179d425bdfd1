// POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format"; GNU tar manual, "Basic Tar Format".
import { KIB, MIB, roundUp, type ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../file/byte-file.ts';
import { isZero } from '../stream/is-zero.ts';
import { refuseArchive, shown, type ArchivePlace } from './archive-refusal.ts';
import { parsePaxRecords } from './pax-records.ts';
import { BLOCK_SIZE, parseTarHeader, type TarHeader } from './tar-header.ts';

/** A regular file in an archive, and where its bytes lie there. */
export interface TarMember extends ByteRange {
  readonly name: string;
}

/** A VM has up to 256 disks; descriptor, manifest, certificate and a few more files come with them. */
const MEMBERS_MAX = 320;
/** Each member may come with its extended header and two long names, and folders may stand between them. */
const HEADERS_MAX = 4 * MEMBERS_MAX;
/** What a file system of Linux takes as one name. */
const NAME_BYTES_MAX = 255;
/** An extended header of a file without extended attributes takes a few hundred bytes. */
const EXTENSION_SIZE_MAX = 64 * KIB;
/** Programs fill the last record with zeros, 10 KiB by default and 512 KiB at most in practice. */
const PADDING_MAX = MIB;

/** What extensions say of the file that follows them. */
interface Extensions {
  readonly name?: Uint8Array;
  readonly size?: number;
}

/**
 * The members of an archive in their order. Nothing is unpacked, and no name is ever used to open or make anything:
 * names with folders or `..`, links, devices and sparse files are refused, and so is whatever follows the end.
 */
export function readTar(file: ByteFile): readonly TarMember[] {
  const members = new MemberList();
  const block = new Uint8Array(BLOCK_SIZE);
  let extensions: Extensions | undefined;
  let offset = 0;
  for (let headers = 0; headers < HEADERS_MAX; headers += 1) {
    const at = { path: file.path, offset };
    if (offset + BLOCK_SIZE > file.size) throw refuseArchive('archive/cut-short', 'it ends without the mark of its end', at);
    file.read(offset, block);
    if (isZero(block)) {
      if (extensions) throw refuseArchive('archive/malformed-extension', 'an extension stands before no file', at);
      checkEnd(file, offset);
      return members.all;
    }
    const header = parseTarHeader(block, at);
    const isAhead = EXTENSION_TYPES.has(header.type);
    const content = { offset: offset + BLOCK_SIZE, length: isAhead ? header.size : (extensions?.size ?? header.size) };
    requireInside(file, content);
    if (!isAhead) members.add(header, { content, at, name: extensions?.name ?? header.name });
    extensions = isAhead ? addExtension(extensions, readExtension(file, header, content), at) : undefined;
    offset = content.offset + roundUp(content.length, BLOCK_SIZE);
  }
  throw refuseArchive('archive/too-many-members', `it has more than ${HEADERS_MAX} headers`, { path: file.path, offset });
}

/** pax: `x` for one file, `g` for all that follow. GNU: `L` a long name, `K` the long target of a link. */
const EXTENSION_TYPES = new Set(['x', 'g', 'L', 'K']);

function requireInside(file: ByteFile, { offset, length }: ByteRange): void {
  if (length <= file.size - offset) return;
  const why = `a member of ${length} bytes begins here, and ${Math.max(0, file.size - offset)} are left`;
  throw refuseArchive('archive/cut-short', why, { path: file.path, offset });
}

/** Undefined when it says nothing about a single file. */
function readExtension(file: ByteFile, { type }: TarHeader, content: ByteRange): Extensions | undefined {
  const at = { path: file.path, offset: content.offset };
  if (content.length > EXTENSION_SIZE_MAX)
    throw refuseArchive('archive/too-large', `an extension has ${content.length} bytes, more than ${EXTENSION_SIZE_MAX}`, at);
  if (type === 'K') throw refuseArchive('archive/unsafe-member', 'it holds a link', at);
  const bytes = new Uint8Array(content.length);
  file.read(content.offset, bytes);
  if (type === 'L') return { name: bytes.at(-1) === 0 ? bytes.subarray(0, -1) : bytes };
  const found = parsePaxRecords(bytes, at);
  if (type === 'x') return found;
  if (found.name || found.size !== undefined) throw refuseArchive('archive/malformed-extension', 'one name or size is set for all files', at);
  return undefined;
}

/** Two extensions that say the same thing leave it to the reader whom to believe. */
function addExtension(before: Extensions | undefined, next: Extensions | undefined, at: ArchivePlace): Extensions | undefined {
  const isTwice = (before?.name && next?.name) || (before?.size !== undefined && next?.size !== undefined);
  if (isTwice) throw refuseArchive('archive/malformed-extension', 'two extensions name the same file', at);
  return before && next ? { ...before, ...next } : (next ?? before);
}

class MemberList {
  readonly #members: TarMember[] = [];
  readonly #names = new Set<string>();

  get all(): readonly TarMember[] {
    return this.#members;
  }

  add({ type }: TarHeader, o: { readonly name: Uint8Array; readonly content: ByteRange; readonly at: ArchivePlace }): void {
    const name = decodeName(o.name, o.at).replace(/^\.\//, '');
    // The folder that everything lies in, which some programs list first, is no member.
    if (type === '5' && (name === '' || name === '.') && o.content.length === 0) return;
    if (type !== '0') throw refuseArchive('archive/unsafe-member', `${shown(name)} is no regular file but of type ${shown(type)}`, o.at);
    if (!isPlainName(name)) throw refuseArchive('archive/unsafe-name', `${shown(name)} is no plain file name`, o.at);
    // Two names that some file system takes for one would be unpacked onto each other.
    const key = name.normalize('NFC').toLowerCase();
    if (this.#names.has(key)) throw refuseArchive('archive/duplicate-name', `it holds ${shown(name)} twice`, o.at);
    if (this.#members.length >= MEMBERS_MAX) throw refuseArchive('archive/too-many-members', `it has more than ${MEMBERS_MAX} files`, o.at);
    this.#names.add(key);
    this.#members.push({ name, ...o.content });
  }
}

const isPlainName = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && !/[/\\\p{Cc}]/u.test(name) && Buffer.byteLength(name) <= NAME_BYTES_MAX;

function decodeName(bytes: Uint8Array, at: ArchivePlace): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuseArchive('archive/unsafe-name', 'a name in it is not written in UTF-8', at);
  }
}

/** "ustar Interchange Format": two blocks of zeros, of which programs are known to leave out the second; then zeros up to the end of the record. */
function checkEnd(file: ByteFile, offset: number): void {
  const length = file.size - offset;
  if (length > PADDING_MAX) throw refuseArchive('archive/trailing-bytes', `${length} bytes follow its end`, { path: file.path, offset });
  const bytes = new Uint8Array(length);
  file.read(offset, bytes);
  if (!isZero(bytes)) throw refuseArchive('archive/trailing-bytes', 'something follows its end', { path: file.path, offset });
}
