import { existsSync, fsyncSync, openSync, closeSync } from 'node:fs';
import { dirname } from 'node:path';
import { HyperError, type ByteRange } from '@hypersdk/domain';
import { WritableDiskFile } from './disk-file.ts';
import { toTargetError } from './io-error.ts';
import { removeFile } from './remove-file.ts';
import { splitRange } from './split-range.ts';
import type { TargetFile } from './target-file.ts';

/**
 * A file that is split into volumes of one size while it is written, the last one shorter. Nobody knows beforehand how many it will be, so each is made when
 * something is first written to it; one between others that got nothing is filled up at the end. The name that counts is that of the first.
 */
export class WritableVolumes implements TargetFile {
  readonly path: string;
  readonly #paths: readonly string[];
  readonly #span: number;
  readonly #open = new Map<number, WritableDiskFile>();
  readonly #unsynced = new Set<number>();
  /** Volumes whose names are on the medium. */
  #namedCount = 0;

  /** `paths` are those of all volumes that there may be, the first one first. */
  constructor(paths: readonly string[], span: number) {
    this.path = paths[0] ?? '';
    this.#paths = paths;
    this.#span = span;
  }

  static open(paths: readonly string[], o: { readonly span: number; readonly mode: 'create' | 'continue' | 'join' }): WritableVolumes {
    const volumes = new WritableVolumes(paths, o.span);
    if (o.mode !== 'join') volumes.#open.set(0, WritableDiskFile.open(volumes.path, o.mode));
    return volumes;
  }

  /** The first is the last of them here: its name counts. */
  get files(): readonly WritableDiskFile[] {
    const [, ...rest] = this.#existing();
    return [...rest, 0].map((index) => this.#file(index));
  }

  get size(): number {
    const last = this.#existing().at(-1) ?? 0;
    return last * this.#span + this.#file(last).size;
  }

  read(offset: number, into: Uint8Array): void {
    for (const piece of splitRange({ offset, length: into.length }, this.#span)) {
      const part = into.subarray(piece.at, piece.at + piece.length);
      if (this.#isThere(piece.index)) this.#file(piece.index).read(piece.offset, part);
      else part.fill(0);
    }
  }

  write(offset: number, bytes: Uint8Array): void {
    for (const piece of splitRange({ offset, length: bytes.length }, this.#span))
      this.#changed(piece.index).write(piece.offset, bytes.subarray(piece.at, piece.at + piece.length));
  }

  /** Every volume in front of the last gets its whole size, and those behind it go. */
  truncate(size: number): void {
    const last = Math.max(0, Math.ceil(size / this.#span) - 1);
    for (let index = 0; index < last; index += 1) this.#changed(index).truncate(this.#span);
    this.#changed(last).truncate(size - last * this.#span);
    for (const index of this.#existing()) if (index > last) this.#remove(index);
  }

  allocate(range: ByteRange, mode: 'reserve' | 'zero'): void {
    for (const { index, offset, length } of splitRange(range, this.#span)) this.#changed(index).allocate({ offset, length }, mode);
  }

  locate(offset: number): ReturnType<TargetFile['locate']> {
    const index = Math.floor(offset / this.#span);
    const fileOffset = offset - index * this.#span;
    return { fd: this.#changed(index).fd, fileOffset, length: this.#span - fileOffset };
  }

  async sync(range: ByteRange): Promise<void> {
    const touched = new Set(Array.from(splitRange(range, this.#span), ({ index }) => index)).union(this.#unsynced);
    this.#unsynced.clear();
    for (const index of touched) if (this.#isThere(index)) await this.#file(index).sync();
    const count = this.#existing().length;
    if (count > this.#namedCount) syncFolder(this.path);
    this.#namedCount = count;
  }

  [Symbol.dispose](): void {
    for (const file of this.#open.values()) file[Symbol.dispose]();
  }

  #existing(): readonly number[] {
    return this.#paths.flatMap((_, index) => (this.#isThere(index) ? [index] : []));
  }

  #isThere(index: number): boolean {
    return this.#open.has(index) || existsSync(this.#paths[index] ?? '');
  }

  #changed(index: number): WritableDiskFile {
    this.#unsynced.add(index);
    return this.#file(index);
  }

  #remove(index: number): void {
    this.#open.get(index)?.[Symbol.dispose]();
    this.#open.delete(index);
    this.#unsynced.delete(index);
    removeFile(this.#paths[index] ?? '');
  }

  #file(index: number): WritableDiskFile {
    const known = this.#open.get(index);
    if (known) return known;
    const path = this.#paths[index];
    if (path === undefined)
      throw new HyperError('usage/invalid', `The image needs more than ${this.#paths.length} volumes; make them larger.`, {
        detail: { field: 'volumeSize' },
      });
    const file = WritableDiskFile.open(path, 'join');
    this.#open.set(index, file);
    return file;
  }
}

function syncFolder(path: string): void {
  const folder = dirname(path);
  try {
    const fd = openSync(folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw toTargetError(cause, folder, 'syncing it');
  }
}
