import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { HyperError, MIB, systemCode, type ByteRange, type Extent } from '@hypersdk/domain';
import type { BlockLocator } from '@hypersdk/ports';
import { TargetLock } from '../copy/target-lock.ts';
import { toSourceError, toTargetError } from '../file/io-error.ts';
import { nativeFs } from '../native/load.ts';
import { lockForWriting } from './image-lock.ts';

/** Zeros that no call of the system makes are written in pieces of this size. */
const ZERO_PIECE = MIB;
const WHY_RAW = 'only raw images are written in place, where every byte has its own place and a crash leaves no tables half written';

/** A raw image that is read and written in place. All its clients share one open file, so each sees what the others wrote. */
export class RawDisk implements AsyncDisposable {
  readonly virtualSize: number;
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #lock: TargetLock;
  /** What a flush failed with. What was written then may be lost, and no later flush can tell: the kernel reports it once. */
  #lost: HyperError | undefined;

  private constructor(o: { readonly path: string; readonly file: FileHandle; readonly lock: TargetLock; readonly size: number }) {
    this.virtualSize = o.size;
    this.#path = o.path;
    this.#file = o.file;
    this.#lock = o.lock;
  }

  static async open(source: BlockLocator): Promise<RawDisk> {
    const path = requireRaw(source);
    await using opened = new AsyncDisposableStack();
    const lock = opened.use(await TargetLock.take(path));
    const file = opened.use(await openForBoth(path));
    const about = await file.stat();
    if (!about.isFile()) throw new HyperError('source/not-a-file', `${path} is not a regular file.`, { detail: { path } });
    lockForWriting(file.fd, path);
    opened.move();
    return new RawDisk({ path, file, lock, size: about.size });
  }

  async read({ offset, length }: ByteRange): Promise<Uint8Array> {
    const into = Buffer.alloc(length);
    try {
      for (let done = 0; done < length;) {
        const { bytesRead } = await this.#file.read(into, done, length - done, offset + done);
        if (bytesRead === 0) throw new HyperError('source/changed', `${this.#path} became shorter while it was served.`);
        done += bytesRead;
      }
    } catch (cause) {
      throw toSourceError(cause, this.#path, `reading at byte ${offset}`);
    }
    return into;
  }

  async extents({ offset, length }: ByteRange, countMax: number): Promise<readonly Extent[]> {
    const { seekData, seekHole } = nativeFs();
    if (!seekData || !seekHole) return [{ offset, length, kind: 'data' }];
    const end = offset + length;
    const extents: Extent[] = [];
    for (let at = offset; at < end && extents.length < countMax;) {
      const data = Math.min(seekData(this.#file.fd, at) ?? end, end);
      if (data > at) extents.push({ offset: at, length: data - at, kind: 'hole' });
      const hole = data < end ? Math.min(seekHole(this.#file.fd, data), end) : end;
      // Somebody punched where data was found a moment ago: called data, it is read and found to be zeros.
      if (hole > data) extents.push({ offset: data, length: hole - data, kind: 'data' });
      at = Math.max(hole, data);
    }
    return extents.slice(0, countMax);
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, offset + done);
        done += bytesWritten;
      }
    } catch (cause) {
      throw toTargetError(cause, this.#path, `writing at byte ${offset}`);
    }
  }

  async zero(range: ByteRange, { mayPunch }: { readonly mayPunch: boolean }): Promise<void> {
    const { punch, zeroRange } = nativeFs();
    const clear = mayPunch ? punch : zeroRange;
    try {
      if (clear) return clear(this.#file.fd, range);
    } catch (cause) {
      if (systemCode(cause) !== 'EOPNOTSUPP') throw toTargetError(cause, this.#path, `zeroing at byte ${range.offset}`);
    }
    const zeros = new Uint8Array(Math.min(ZERO_PIECE, range.length));
    for (let at = 0; at < range.length; at += ZERO_PIECE) await this.write(range.offset + at, zeros.subarray(0, range.length - at));
  }

  async flush(): Promise<void> {
    if (this.#lost) throw this.#lost;
    try {
      await this.#file.datasync();
    } catch (cause) {
      this.#lost = toTargetError(cause, this.#path, 'bringing it to the medium');
      throw this.#lost;
    }
  }

  /** What was written is brought to the medium, asked for or not. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.#file.close();
      await this.#lock[Symbol.asyncDispose]();
    }
  }
}

function requireRaw(source: BlockLocator): string {
  if (source.kind !== 'image') throw inPlace('A disk on another server is not written to');
  const { path, format, slice } = source.image;
  if (slice) throw inPlace(`${path} lies in an archive and is not written to`);
  if (format !== 'raw') throw inPlace(`${path} is ${format}, and ${WHY_RAW}`);
  return path;
}

const inPlace = (why: string): HyperError => new HyperError('usage/invalid', `${why}; serve it with an overlay, or convert it to raw first.`);

async function openForBoth(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (cause) {
    throw toTargetError(cause, path, 'opening it for writing');
  }
}
