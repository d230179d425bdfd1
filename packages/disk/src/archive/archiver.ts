import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { endOf, HyperError, MIB, roundUp, systemCode, type ByteRange } from '@hypersdk/domain';
import type { ArchivedFile, Archiver, ArchiveProgress, ArchiveRequest, Cancel, Watch } from '@hypersdk/ports';
import { publishFile } from '../copy/publish.ts';
import { TargetLock } from '../copy/target-lock.ts';
import { blameTarget, toSourceError, toTargetError } from '../file/io-error.ts';
import { removeFile } from '../file/remove-file.ts';
import { nativeFs } from '../native/load.ts';
import { END_SIZE, layOut, type ArchiveLayout, type PlacedMember } from './archive-layout.ts';
import { readOva } from './read-ova.ts';
import { BLOCK_SIZE } from './tar-header.ts';

/** Read and written at once; between two of them others get their turn. */
const PIECE_SIZE = MIB;
/** What a killed run may have left half written is written again. */
const REWRITE_SIZE = 4 * MIB;
/** Fills the last block of a member. */
const ZEROS = new Uint8Array(BLOCK_SIZE);

/** Packs OVAs. All of it waits for the medium without holding the thread up. */
export const archiver: Archiver = {
  write: writeArchive,
  list: async (path, o) => {
    o.signal.throwIfAborted();
    return readOva(path);
  },
};

async function writeArchive(request: ArchiveRequest, o: Watch<ArchiveProgress>): Promise<readonly ArchivedFile[]> {
  await using _lock = await TargetLock.take(request.path);
  const layout = layOut(request);
  const partial = `${request.path}.partial`;
  // What was left by another request, or lost in a power cut, is found when it is read back; then all of it is written anew, once.
  const isRight =
    (await tryWrite({ request, layout, partial, mode: 'continue' }, o)) || (await tryWrite({ request, layout, partial, mode: 'begin' }, o));
  if (!isRight) throw new HyperError('verify/mismatch', `${request.path}: the archive came back from the target damaged. It was thrown away.`);
  return layout.members.map(({ name, range }) => ({ name, ...range }));
}

interface Writing {
  readonly request: ArchiveRequest;
  readonly layout: ArchiveLayout;
  readonly partial: string;
  readonly mode: 'continue' | 'begin';
}

/** Answers false, and leaves nothing, when what comes back is not what was meant. */
async function tryWrite({ request, layout, partial, mode }: Writing, o: Watch<ArchiveProgress>): Promise<boolean> {
  if (mode === 'begin') removeFile(partial);
  await using target = await openTarget(partial);
  const settled = Math.max(0, (await target.stat()).size - REWRITE_SIZE);
  for (const member of layout.members) {
    await writeMember(target, member, { ...o, partial, settled, size: layout.size });
    // After the content: how long the file is tells the next run how far this one came.
    const padding = ZEROS.subarray(0, roundUp(member.range.length, BLOCK_SIZE) - member.range.length);
    await put(target, padding, { offset: endOf(member.range), partial });
  }
  try {
    // What lies behind the last member is cut off before the end mark is added, so that the mark is zeros whatever an earlier run had there.
    await target.truncate(layout.size - END_SIZE);
    await target.truncate(layout.size);
    await target.sync();
  } catch (cause) {
    throw toTargetError(cause, partial, 'finishing it');
  }
  nativeFs().dropCache?.(target.fd, { offset: 0, length: 0 });
  for (const member of layout.members) {
    if (await isWritten(target, member, { ...o, partial })) continue;
    removeFile(partial);
    return false;
  }
  publishFile({ path: partial, fd: target.fd }, request.path, { overwrite: true });
  return true;
}

async function openTarget(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  } catch (cause) {
    throw toTargetError(cause, path, 'opening it for writing');
  }
}

interface MemberWriting extends Watch<ArchiveProgress> {
  readonly partial: string;
  /** File content below this offset was written by an earlier run. */
  readonly settled: number;
  readonly size: number;
}

async function writeMember(target: FileHandle, member: PlacedMember, o: MemberWriting): Promise<void> {
  const { header, content, range } = member;
  await put(target, header, { offset: range.offset - header.length, partial: o.partial });
  if (content.kind === 'text') return put(target, Buffer.from(content.text), { offset: range.offset, partial: o.partial });
  const done = Math.min(range.length, Math.max(0, o.settled - range.offset));
  await using source = await openSource(content.path);
  const from = member.from?.offset ?? 0;
  for await (const { at, bytes } of piecesOf(
    source,
    { offset: from + done, length: range.length - done },
    { signal: o.signal, path: content.path },
  )) {
    const offset = range.offset + (at - from);
    await put(target, bytes, { offset, partial: o.partial });
    o.onProgress?.({ written: offset + bytes.length, size: o.size });
  }
}

async function openSource(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (cause) {
    throw toSourceError(cause, path, 'opening what is to be packed');
  }
}

async function put(target: FileHandle, bytes: Uint8Array, o: { readonly offset: number; readonly partial: string }): Promise<void> {
  try {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await target.write(bytes, done, bytes.length - done, o.offset + done);
      done += bytesWritten;
    }
  } catch (cause) {
    throw toTargetError(cause, o.partial, `writing at byte ${o.offset}`);
  }
}

/** The bytes of a range in pieces; each is good until the next is asked for. */
async function* piecesOf(
  file: FileHandle,
  { offset, length }: ByteRange,
  o: Cancel & { readonly path: string },
): AsyncGenerator<{ readonly at: number; readonly bytes: Uint8Array }> {
  const buffer = Buffer.allocUnsafe(Math.min(PIECE_SIZE, Math.max(1, length)));
  for (let done = 0; done < length;) {
    o.signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - done), offset + done).catch((cause: unknown) => {
      throw systemCode(cause) === undefined ? cause : toSourceError(cause, o.path, `reading at byte ${offset + done}`);
    });
    if (bytesRead === 0) throw new HyperError('source/changed', `${o.path} became shorter while it was read.`, { detail: { path: o.path } });
    yield { at: offset + done, bytes: buffer.subarray(0, bytesRead) };
    done += bytesRead;
  }
}

/** Whether header and content came back from the medium as they were meant. */
async function isWritten(target: FileHandle, { header, content, range }: PlacedMember, o: Cancel & { readonly partial: string }): Promise<boolean> {
  const before = { offset: range.offset - header.length, length: header.length };
  if ((await hashOf(target, before, o)) !== sha256(header)) return false;
  return (await hashOf(target, range, o)) === (content.kind === 'text' ? sha256(Buffer.from(content.text)) : content.digest);
}

async function hashOf(target: FileHandle, range: ByteRange, o: Cancel & { readonly partial: string }): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const { bytes } of piecesOf(target, range, { signal: o.signal, path: o.partial })) hash.update(bytes);
  } catch (error) {
    throw blameTarget(error);
  }
  return hash.digest('hex');
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
