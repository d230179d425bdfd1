// Layout of a checkpoint file, see docs/formats/checkpoint.md: a signature, then records of {length u32, crc32 u32, payload}, little-endian.
import { closeSync, constants, fdatasyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { HyperError, MIB } from '@hypersdk/domain';
import { ReadableDiskFile } from '../file/disk-file.ts';
import { toTargetError } from '../file/io-error.ts';
import type { LayoutMark } from '../format/image-writer.ts';
import type { Owner } from './owner.ts';

const SIGNATURE = Buffer.from('HSDKCKP1');
const RECORD_HEADER_SIZE = 8;
/** A window of 64 MiB of data has at most 16,384 leaves of one block each, 36 bytes a leaf; anything much larger is damage. */
const RECORD_SIZE_MAX = 16 * MIB;
const DIGEST_SIZE = 32;
const ENTRY_SIZE = 4 + DIGEST_SIZE;

/** What must be the same for a copy to be continued. */
export interface CopyIdentity {
  readonly sourceMark: string;
  readonly virtualSize: number;
  readonly format: string;
  /** The writer's plan as JSON. */
  readonly plan: string;
  readonly digest: string;
  readonly volumeSize?: number;
  /** For whom it is encrypted. */
  readonly encryption?: string;
  /** Of an overlay: root of what it lies on, and how the differences are found. */
  readonly parent?: string;
}

export interface LeafEntry {
  readonly leaf: number;
  readonly digest: Uint8Array;
}

interface Batch {
  readonly mark?: LayoutMark;
  /** Of an encrypted image: chunks that were sealed since the batch before, as pairs of first and count. */
  readonly sealed?: readonly number[];
  readonly entries: readonly LeafEntry[];
}

type JsonRecord = { readonly kind: 'identity'; readonly identity: CopyIdentity } | { readonly kind: 'owner'; readonly owner: Owner };

/** What a checkpoint file says, as far as its records are whole. */
export interface CheckpointState {
  readonly identity: CopyIdentity;
  readonly owner: Owner;
  /** Where the copy may go on; undefined when nothing was settled yet. */
  readonly mark?: LayoutMark;
  /** Digests of the last record that has any. */
  readonly lastWindow: readonly LeafEntry[];
  /** Bytes of the file up to the last mark; what follows was never confirmed. */
  readonly validSize: number;
}

/** The journal of one copy: what it copies, who does it, and which leaves are settled. Records are only ever appended. */
export class CheckpointFile implements Disposable {
  readonly path: string;
  readonly #fd: number;
  #size: number;

  private constructor(path: string, fd: number, size: number) {
    this.path = path;
    this.#fd = fd;
    this.#size = size;
  }

  static create(path: string, identity: CopyIdentity, owner: Owner): CheckpointFile {
    const file = new CheckpointFile(path, openTarget(path, constants.O_CREAT | constants.O_EXCL), 0);
    file.#write(SIGNATURE);
    file.#append(jsonPayload({ kind: 'identity', identity }));
    file.#append(jsonPayload({ kind: 'owner', owner }));
    return file;
  }

  /** Goes on behind the last mark of `state`. */
  static continue(path: string, state: CheckpointState, owner: Owner): CheckpointFile {
    const fd = openTarget(path, 0);
    ftruncateSync(fd, state.validSize);
    const file = new CheckpointFile(path, fd, state.validSize);
    file.#append(jsonPayload({ kind: 'owner', owner }));
    return file;
  }

  append(batch: Batch): void {
    const mark = Buffer.from(JSON.stringify({ ...batch.mark, ...(batch.sealed ? { sealed: batch.sealed } : {}) }));
    const payload = Buffer.alloc(1 + 4 + batch.entries.length * ENTRY_SIZE + mark.length);
    payload[0] = 1;
    payload.writeUInt32LE(batch.entries.length, 1);
    batch.entries.forEach((entry, index) => {
      payload.writeUInt32LE(entry.leaf, 5 + index * ENTRY_SIZE);
      payload.set(entry.digest, 9 + index * ENTRY_SIZE);
    });
    payload.set(mark, 5 + batch.entries.length * ENTRY_SIZE);
    this.#append(payload);
  }

  sync(): void {
    try {
      fdatasyncSync(this.#fd);
    } catch (cause) {
      throw toTargetError(cause, this.path, 'syncing it');
    }
  }

  #append(payload: Buffer): void {
    const header = Buffer.alloc(RECORD_HEADER_SIZE);
    header.writeUInt32LE(payload.length, 0);
    header.writeUInt32LE(crc32(payload), 4);
    this.#write(Buffer.concat([header, payload]));
  }

  #write(bytes: Buffer): void {
    try {
      let done = 0;
      while (done < bytes.length) done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#size + done);
      this.#size += bytes.length;
    } catch (cause) {
      throw toTargetError(cause, this.path, 'recording progress');
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** Reads a checkpoint as far as it is whole. `checkpoint/malformed` when even its beginning is not. */
export function readCheckpoint(path: string): CheckpointState {
  let identity: CopyIdentity | undefined;
  let owner: Owner | undefined;
  let mark: LayoutMark | undefined;
  let lastWindow: readonly LeafEntry[] = [];
  let validSize = 0;
  for (const { payload, end } of records(path)) {
    if (payload[0] === 1) {
      const batch = parseBatch(payload);
      if (!batch.mark) continue;
      mark = batch.mark;
      if (batch.entries.length > 0) lastWindow = batch.entries;
      validSize = end;
    } else {
      const record: JsonRecord = JSON.parse(payload.toString('utf8', 1));
      if (record.kind === 'identity') identity = record.identity;
      else owner = record.owner;
      validSize = mark ? validSize : end;
    }
  }
  if (!identity || !owner) throw new HyperError('checkpoint/malformed', `${path} does not begin like a checkpoint.`, { detail: { path } });
  return { identity, owner, lastWindow, validSize, ...(mark ? { mark } : {}) };
}

/** The digests of all settled leaves in rising order, straight from the file. */
export function* settledLeaves(path: string): Generator<LeafEntry> {
  for (const { payload } of records(path)) {
    if (payload[0] === 1) yield* parseBatch(payload).entries;
  }
}

/** The chunks of an encrypted image that are sealed and on the medium, as pairs of first and count; `validSize` as the checkpoint's state tells it. */
export function* sealedChunks(path: string, validSize: number): Generator<number> {
  for (const { payload, end } of records(path)) {
    if (payload[0] === 1 && end <= validSize) yield* parseBatch(payload).sealed ?? [];
  }
}

/** Whole records in order; ends quietly at the first that is cut short or damaged, as a crash leaves it. */
function* records(path: string): Generator<{ readonly payload: Buffer; readonly end: number }> {
  using file = ReadableDiskFile.open(path, { follow: false });
  const signature = Buffer.alloc(Math.min(SIGNATURE.length, file.size));
  file.read(0, signature);
  if (!signature.equals(SIGNATURE)) return;
  let at = SIGNATURE.length;
  while (at + RECORD_HEADER_SIZE <= file.size) {
    const header = Buffer.alloc(RECORD_HEADER_SIZE);
    file.read(at, header);
    const length = header.readUInt32LE(0);
    const end = at + RECORD_HEADER_SIZE + length;
    if (length === 0 || length > RECORD_SIZE_MAX || end > file.size) return;
    const payload = Buffer.alloc(length);
    file.read(at + RECORD_HEADER_SIZE, payload);
    if (crc32(payload) !== header.readUInt32LE(4)) return;
    yield { payload, end };
    at = end;
  }
}

const jsonPayload = (record: JsonRecord): Buffer => Buffer.concat([Buffer.of(2), Buffer.from(JSON.stringify(record))]);

function parseBatch(payload: Buffer): Batch {
  const count = payload.readUInt32LE(1);
  const entries = Array.from({ length: count }, (_, index) => {
    const at = 5 + index * ENTRY_SIZE;
    return { leaf: payload.readUInt32LE(at), digest: payload.subarray(at + 4, at + ENTRY_SIZE) };
  });
  const { sealed, ...mark }: Partial<LayoutMark> & Pick<Batch, 'sealed'> = JSON.parse(payload.toString('utf8', 5 + count * ENTRY_SIZE));
  return { entries, ...(isMark(mark) ? { mark } : {}), ...(isPairs(sealed) ? { sealed } : {}) };
}

const isPairs = (sealed: unknown): sealed is readonly number[] => Array.isArray(sealed) && sealed.every((number) => Number.isSafeInteger(number));

const isMark = (mark: Partial<LayoutMark>): mark is LayoutMark => typeof mark.end === 'number' && typeof mark.leaves === 'number';

function openTarget(path: string, flags: number): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | flags, 0o600);
  } catch (cause) {
    throw toTargetError(cause, path, 'opening the checkpoint');
  }
}
