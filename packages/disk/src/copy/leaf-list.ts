// Layout of a leaf list, see docs/formats/leaf-list.md: a signature, the length of a JSON header, the header, then entries of {leaf u32, digest}, little-endian, in rising order.
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { HyperError, LEAF_SIZE, leafCount, MIB, type ContentDigest } from '@hypersdk/domain';
import { TreeBuilder } from '../digest/tree.ts';
import { ReadableDiskFile } from '../file/disk-file.ts';
import { toTargetError } from '../file/io-error.ts';
import { removeFile } from '../file/remove-file.ts';
import type { CopyIdentity, LeafEntry } from './checkpoint-file.ts';
import { publishFile } from './publish.ts';

const SIGNATURE = Buffer.from('HSDKLEAF');
const HEADER_AT = SIGNATURE.length + 4;
/** Covers the names and digests of several hundred files that an image may consist of. */
const HEADER_SIZE_MAX = 256 * 1024;
/** As the image has: whoever may not read the disk learns nothing of what is where on it either. */
const MODE = 0o600;
const DIGEST_SIZE = 32;
const ENTRY_SIZE = 4 + DIGEST_SIZE;
/** Entries are written and read this many at a time. */
const CHUNK_COUNT = Math.floor(MIB / ENTRY_SIZE);

/** What a finished copy was of, and what came out: enough to know it again after a kill between publishing and reporting. */
export interface LeafListHeader {
  readonly version: 1;
  readonly content: ContentDigest;
  readonly containerDigest: string;
  readonly fileSize: number;
  /** The files beside the image when it is not one file. */
  readonly parts?: readonly { readonly file: string; readonly fileSize: number; readonly containerDigest: string }[];
  readonly identity: CopyIdentity;
  readonly leavesChecked: number;
}

export const leafListPath = (imagePath: string): string => `${imagePath}.leaves`;

/** Writes the list durably under its name, replacing an older one. Leaves of zeros are not in it. */
export function writeLeafList(path: string, header: LeafListHeader, entries: Iterable<LeafEntry>): void {
  const partial = `${path}.partial`;
  removeFile(partial);
  const fd = openTarget(partial);
  try {
    const json = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    append(fd, Buffer.concat([SIGNATURE, length, json]));
    for (const chunk of chunks(entries)) append(fd, chunk);
    publishFile({ path: partial, fd }, path, { overwrite: true });
  } catch (cause) {
    throw toTargetError(cause, path, 'writing the leaf list');
  } finally {
    closeSync(fd);
  }
}

function* chunks(entries: Iterable<LeafEntry>): Generator<Buffer> {
  let chunk = Buffer.alloc(CHUNK_COUNT * ENTRY_SIZE);
  let count = 0;
  for (const entry of entries) {
    chunk.writeUInt32LE(entry.leaf, count * ENTRY_SIZE);
    chunk.set(entry.digest, count * ENTRY_SIZE + 4);
    count += 1;
    if (count < CHUNK_COUNT) continue;
    yield chunk;
    chunk = Buffer.alloc(CHUNK_COUNT * ENTRY_SIZE);
    count = 0;
  }
  yield chunk.subarray(0, count * ENTRY_SIZE);
}

function append(fd: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done);
}

function openTarget(path: string): number {
  try {
    return openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW, MODE);
  } catch (cause) {
    throw toTargetError(cause, path, 'writing the leaf list');
  }
}

/** Reads a leaf list; `manifest/malformed` when it is not one. Entries come lazily and are checked to rise. */
export class LeafList implements Disposable {
  readonly header: LeafListHeader;
  readonly #file: ReadableDiskFile;
  readonly #entriesAt: number;

  private constructor(file: ReadableDiskFile, header: LeafListHeader, entriesAt: number) {
    this.#file = file;
    this.header = header;
    this.#entriesAt = entriesAt;
  }

  /** The header of the list of an image, where there is such a list. */
  static headerOf(imagePath: string): LeafListHeader | undefined {
    try {
      using list = LeafList.open(leafListPath(imagePath));
      return list.header;
    } catch {
      return undefined;
    }
  }

  static open(path: string): LeafList {
    const file = ReadableDiskFile.open(path, { follow: false });
    try {
      const { header, end } = readHeader(file);
      return new LeafList(file, header, end);
    } catch (error) {
      file[Symbol.dispose]();
      throw error;
    }
  }

  *entries(): Generator<LeafEntry> {
    const count = this.#count;
    const leaves = leafCount(this.header.content.virtualSize);
    let last = -1;
    for (let from = 0; from < count; from += CHUNK_COUNT) {
      const chunk = Buffer.alloc(Math.min(CHUNK_COUNT, count - from) * ENTRY_SIZE);
      this.#file.read(this.#entriesAt + from * ENTRY_SIZE, chunk);
      for (let at = 0; at < chunk.length; at += ENTRY_SIZE) {
        const leaf = chunk.readUInt32LE(at);
        if (leaf <= last || leaf >= leaves) throw malformed(this.#file.path, `leaf ${leaf} is out of order`);
        last = leaf;
        yield { leaf, digest: chunk.subarray(at + 4, at + ENTRY_SIZE) };
      }
    }
  }

  /** The digest of one leaf, found by halving; undefined when it is all zeros. */
  find(leaf: number): Buffer | undefined {
    const entry = Buffer.alloc(ENTRY_SIZE);
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      this.#file.read(this.#entriesAt + middle * ENTRY_SIZE, entry);
      const found = entry.readUInt32LE(0);
      if (found === leaf) return entry.subarray(4);
      if (found < leaf) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  /** Whether these digests make this root: a list is worth no more than that. */
  addsUpTo({ virtualSize, root }: ContentDigest): boolean {
    return treeOf(virtualSize, this.entries()).root === root;
  }

  get #count(): number {
    return Math.floor((this.#file.size - this.#entriesAt) / ENTRY_SIZE);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}

/** The tree over leaves in rising order; those left out are zeros. */
export function treeOf(virtualSize: number, entries: Iterable<LeafEntry>): ContentDigest {
  const tree = new TreeBuilder(virtualSize);
  for (const { leaf, digest } of entries) tree.add(leaf, Buffer.from(digest));
  return tree.finish();
}

function readHeader(file: ReadableDiskFile): { readonly header: LeafListHeader; readonly end: number } {
  const start = Buffer.alloc(Math.min(HEADER_AT, file.size));
  file.read(0, start);
  if (start.length < HEADER_AT || !start.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw malformed(file.path, 'the signature is missing');
  const length = start.readUInt32LE(SIGNATURE.length);
  if (length > HEADER_SIZE_MAX || HEADER_AT + length > file.size) throw malformed(file.path, 'the header is cut short');
  const json = Buffer.alloc(length);
  file.read(HEADER_AT, json);
  return { header: parseHeader(file.path, json), end: HEADER_AT + length };
}

function parseHeader(path: string, json: Buffer): LeafListHeader {
  try {
    const header: LeafListHeader = JSON.parse(json.toString('utf8'));
    if (header.version === 1 && header.content.leafSize === LEAF_SIZE && Number.isSafeInteger(header.content.virtualSize)) return header;
  } catch {
    // Not JSON, or not of this shape: said below.
  }
  throw malformed(path, 'the header is not of version 1');
}

const malformed = (path: string, why: string): HyperError =>
  new HyperError('manifest/malformed', `${path} is not a leaf list: ${why}.`, { detail: { path } });
