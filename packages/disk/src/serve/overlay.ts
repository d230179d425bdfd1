import { mkdtempSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endOf, roundDown, roundUp, type ByteRange, type Extent } from '@hypersdk/domain';
import { toTargetError } from '../file/io-error.ts';
import { BLOCK_SIZE, BlockStates } from './block-states.ts';

/** What lies under an overlay. */
export interface OverlayBase {
  readonly size: number;
  read(range: ByteRange): Promise<Uint8Array>;
  extents(range: ByteRange, countMax: number): Promise<readonly Extent[]>;
}

/** Writes over a disk that is not changed: they go to a sparse file without a name, which is gone with this process. */
export class Overlay implements AsyncDisposable {
  readonly #base: OverlayBase;
  readonly #file: FileHandle;
  readonly #states = new BlockStates();
  #writing: Promise<void> = Promise.resolve();

  private constructor(base: OverlayBase, file: FileHandle) {
    this.#base = base;
    this.#file = file;
  }

  static async open(base: OverlayBase): Promise<Overlay> {
    const folder = mkdtempSync(join(tmpdir(), 'overlay-'));
    try {
      return new Overlay(base, await open(join(folder, 'writes'), 'wx+', 0o600));
    } catch (cause) {
      throw toTargetError(cause, folder, 'making the file for writes');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async read(range: ByteRange): Promise<Uint8Array> {
    const runs = [...this.#states.runs(range)];
    const [only] = runs;
    if (runs.length === 1 && only?.state === 'base') return this.#base.read(range);
    const into = Buffer.alloc(range.length);
    for (const { offset, length, state } of runs) {
      const part = into.subarray(offset - range.offset, offset - range.offset + length);
      if (state === 'base') part.set(await this.#base.read({ offset, length }));
      if (state === 'written') await this.#readWritten(offset, part);
    }
    return into;
  }

  async extents(range: ByteRange, countMax: number): Promise<readonly Extent[]> {
    const extents: Extent[] = [];
    for (const { offset, length, state } of this.#states.runs(range)) {
      if (state === 'base') {
        const below = await this.#base.extents({ offset, length }, countMax - extents.length);
        extents.push(...below);
        const last = below.at(-1);
        // The base did not tell all at once; an answer without a gap ends here.
        if (!last || endOf(last) < offset + length) return extents;
      } else extents.push({ offset, length, kind: state === 'zero' ? 'zero' : 'data' });
      if (extents.length >= countMax) return extents;
    }
    return extents;
  }

  write(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      const range = { offset, length: bytes.length };
      await this.#fillEdges(range);
      await this.#writeAt(offset, bytes);
      this.#mark(range, 'written');
    });
  }

  zero(range: ByteRange): Promise<void> {
    return this.#inTurn(async () => {
      const start = Math.min(roundUp(range.offset, BLOCK_SIZE), endOf(range));
      const end = endOf(range) === this.#base.size ? endOf(range) : Math.max(start, roundDown(endOf(range), BLOCK_SIZE));
      for (const edge of [
        { offset: range.offset, length: start - range.offset },
        { offset: end, length: endOf(range) - end },
      ]) {
        if (edge.length === 0) continue;
        await this.#fillEdges(edge);
        await this.#writeAt(edge.offset, new Uint8Array(edge.length));
        this.#mark(edge, 'written');
      }
      if (end > start) this.#mark({ offset: start, length: end - start }, 'zero');
    });
  }

  /** Writes come one after the other: two of them may share a block. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#writing.then(work);
    this.#writing = turn.catch(() => undefined);
    return turn;
  }

  /** Blocks that the range covers in part are brought whole into the file first. */
  async #fillEdges(range: ByteRange): Promise<void> {
    const first = roundDown(range.offset, BLOCK_SIZE);
    const last = roundDown(endOf(range) - 1, BLOCK_SIZE);
    for (const offset of new Set([first, last])) {
      const block = { offset, length: Math.min(BLOCK_SIZE, this.#base.size - offset) };
      const isWhole = range.offset <= offset && endOf(block) <= endOf(range);
      if (!isWhole && this.#states.get(offset / BLOCK_SIZE) !== 'written') {
        await this.#writeAt(offset, await this.read(block));
        this.#mark(block, 'written');
      }
    }
  }

  #mark({ offset, length }: ByteRange, state: 'written' | 'zero'): void {
    const end = Math.ceil((offset + length) / BLOCK_SIZE);
    for (let block = Math.floor(offset / BLOCK_SIZE); block < end; block += 1) this.#states.set(block, state);
  }

  async #writeAt(offset: number, bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, offset + done);
        done += bytesWritten;
      }
    } catch (cause) {
      throw toTargetError(cause, tmpdir(), 'keeping what was written');
    }
  }

  async #readWritten(offset: number, into: Uint8Array): Promise<void> {
    for (let done = 0; done < into.length;) {
      const { bytesRead } = await this.#file.read(into, done, into.length - done, offset + done);
      // The file may end before the disk does; what is missing was never written.
      if (bytesRead === 0) return;
      done += bytesRead;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }
}
