import { closeSync, constants, fdatasync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { HyperError, KIB, MIB, type ByteRange, type Extent } from '@hypersdk/domain';
import { nativeFs } from '../native/load.ts';
import type { ByteFile } from './byte-file.ts';
import { toSourceError, toTargetError } from './io-error.ts';
import type { TargetFile } from './target-file.ts';

const syncData = promisify(fdatasync);

/** Opening a pipe or a device must not block; only regular files are read. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** An image file on disk, opened for reading. Its size is what it was when it was opened. */
export class ReadableDiskFile implements ByteFile {
  readonly path: string;
  readonly fd: number;
  readonly size: number;

  private constructor(path: string, fd: number, size: number) {
    this.path = path;
    this.fd = fd;
    this.size = size;
  }

  /** `follow: false` refuses a symbolic link in the last part of the path. */
  static open(path: string, o: { readonly follow: boolean } = { follow: true }): ReadableDiskFile {
    const fd = openForReading(path, o.follow);
    const status = fstatSync(fd);
    if (!status.isFile()) {
      closeSync(fd);
      throw new HyperError('source/not-a-file', `${path} is not a regular file.`, { detail: { path } });
    }
    return new ReadableDiskFile(path, fd, status.size);
  }

  read(offset: number, into: Uint8Array): void {
    if (offset + into.length > this.size) {
      throw new HyperError('image/malformed', `${this.path} ends at byte ${this.size}, before byte ${offset + into.length} that it refers to.`, {
        detail: { path: this.path, offset, length: into.length },
      });
    }
    if (readFully({ fd: this.fd, path: this.path }, offset, into) < into.length) {
      throw new HyperError('source/changed', `${this.path} became shorter while it was read.`, { detail: { path: this.path, offset } });
    }
  }

  *extents(range: ByteRange): Generator<Extent> {
    const native = nativeFs();
    const end = range.offset + range.length;
    if (!native.seekData || !native.seekHole) {
      if (range.length > 0) yield { ...range, kind: 'data' };
      return;
    }
    let at = range.offset;
    while (at < end) {
      const data = Math.min(this.#seek(() => native.seekData?.(this.fd, at)) ?? end, end);
      if (data > at) yield { offset: at, length: data - at, kind: 'hole' };
      if (data >= end) return;
      const hole = Math.min(this.#seek(() => native.seekHole?.(this.fd, data)) ?? end, end);
      // A file that shrinks under us could answer nonsense; what is left is then treated as data, and reading it says so.
      const next = hole > data ? hole : end;
      yield { offset: data, length: next - data, kind: 'data' };
      at = next;
    }
  }

  #seek(seek: () => number | undefined): number | undefined {
    try {
      return seek();
    } catch (cause) {
      throw toSourceError(cause, this.path, 'looking for its data');
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

function openForReading(path: string, follow: boolean): number {
  try {
    return openSync(path, follow ? READ_FLAGS : READ_FLAGS | constants.O_NOFOLLOW);
  } catch (cause) {
    throw toSourceError(cause, path, 'opening it');
  }
}

/** Reads until `into` is full or the file ends; answers the bytes read. */
function readFully(file: { readonly fd: number; readonly path: string }, offset: number, into: Uint8Array): number {
  let done = 0;
  try {
    while (done < into.length) {
      const count = readSync(file.fd, into, done, into.length - done, offset + done);
      if (count === 0) break;
      done += count;
    }
  } catch (cause) {
    throw toSourceError(cause, file.path, `reading at byte ${offset + done}`);
  }
  return done;
}

/** Large zeroed areas are written in pieces of this size. */
const ZERO_PIECE = MIB;

/** Larger single writes make the page cache slow and its speed erratic: twice the CPU at 4 MiB (bench/RESULTS.md, A1). */
const WRITE_SIZE = 256 * KIB;

const MAKING = { create: constants.O_CREAT | constants.O_EXCL, continue: 0, join: constants.O_CREAT } as const;

/** A file being written at explicit offsets. Errors speak of the target. */
export class WritableDiskFile implements TargetFile {
  readonly path: string;
  readonly fd: number;
  readonly files = [this];

  constructor(path: string, fd: number) {
    this.path = path;
    this.fd = fd;
  }

  /** `create` fails with `target/exists` when the name is taken: a new attempt never writes into a file that someone else may hold. `join`: whoever comes first makes it. */
  static open(path: string, mode: 'create' | 'continue' | 'join'): WritableDiskFile {
    const flags = constants.O_RDWR | constants.O_NOFOLLOW | MAKING[mode];
    try {
      return new WritableDiskFile(path, openSync(path, flags, 0o600));
    } catch (cause) {
      throw toTargetError(cause, path, 'opening it for writing');
    }
  }

  read(offset: number, into: Uint8Array): void {
    const done = readFully(this, offset, into);
    // Beyond its end a file being written reads as zeros, as it will once it has grown.
    into.fill(0, done);
  }

  write(offset: number, bytes: Uint8Array): void {
    try {
      let done = 0;
      while (done < bytes.length) done += writeSync(this.fd, bytes, done, Math.min(WRITE_SIZE, bytes.length - done), offset + done);
    } catch (cause) {
      throw toTargetError(cause, this.path, `writing at byte ${offset}`);
    }
  }

  truncate(size: number): void {
    try {
      ftruncateSync(this.fd, size);
    } catch (cause) {
      throw toTargetError(cause, this.path, `setting its length to ${size} bytes`);
    }
  }

  allocate(range: ByteRange, mode: 'reserve' | 'zero'): void {
    const allocate = nativeFs().allocate;
    try {
      if (mode === 'reserve' && allocate) return allocate(this.fd, range);
    } catch (cause) {
      throw toTargetError(cause, this.path, `reserving ${range.length} bytes`);
    }
    const zeros = new Uint8Array(Math.min(ZERO_PIECE, range.length));
    for (let at = 0; at < range.length; at += ZERO_PIECE) {
      this.write(range.offset + at, zeros.subarray(0, Math.min(ZERO_PIECE, range.length - at)));
    }
  }

  get size(): number {
    return fstatSync(this.fd).size;
  }

  locate(offset: number): ReturnType<TargetFile['locate']> {
    return { fd: this.fd, fileOffset: offset, length: Number.POSITIVE_INFINITY };
  }

  async sync(): Promise<void> {
    await syncData(this.fd).catch((cause: unknown) => {
      throw toTargetError(cause, this.path, 'syncing it');
    });
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}
