import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageSettings } from '@hypersdk/ports';
import { expect } from 'vitest';
import { makeNoiseDisk } from './noise-disk.ts';
import { orderCopy, sha256 } from './orders.ts';
import { RunningCopy, type ChildOrder, type CopyEnd, type Surroundings } from './running-copy.ts';

/** 160 MiB with 110 MiB of data: one whole window of a checkpoint, and most of another. */
export const STAGE_CHUNKS = 40;

/** A source, a target folder, and copies between them, for one test. */
export class Stage implements AsyncDisposable {
  readonly folder: string;
  readonly source: string;
  readonly target: string;
  readonly path: string;
  readonly #settings: ImageSettings;

  private constructor(folder: string, settings: ImageSettings) {
    this.folder = folder;
    this.source = join(folder, 'source');
    this.target = join(folder, 'target');
    this.path = join(this.target, 'disk');
    this.#settings = settings;
  }

  static async open(settings: ImageSettings = { format: 'qcow2' }, chunks = STAGE_CHUNKS): Promise<Stage> {
    const stage = new Stage(await mkdtemp(join(tmpdir(), 'durability-')), settings);
    await mkdir(stage.target);
    await makeNoiseDisk(stage.source, chunks);
    return stage;
  }

  start(change: Partial<ChildOrder> = {}, o: Surroundings = {}): RunningCopy {
    return new RunningCopy({ ...orderCopy(this.source, this.path, this.#settings), ...change }, o);
  }

  async copy(change: Partial<ChildOrder> = {}, o: Surroundings = {}): Promise<CopyEnd> {
    await using copy = this.start(change, o);
    return await copy.ended;
  }

  /** Leaves a copy behind that was killed with one window settled, and more written. Slowly enough to be caught. */
  async killHalfway(change: Partial<ChildOrder> = {}, o: Surroundings = {}): Promise<string> {
    await using copy = this.start({ rateLimit: 40 * 1024 * 1024, ...change }, o);
    await copy.until((progress) => progress.settled >= HALFWAY);
    copy.signal('SIGKILL');
    expect(await copy.ended).toMatchObject({ kind: 'killed' });
    return copy.mark ?? '';
  }

  /** Names in the target folder. */
  async names(): Promise<readonly string[]> {
    return (await readdir(this.target)).toSorted();
  }

  /** Empties the target folder. */
  async clear(): Promise<void> {
    for (const name of await this.names()) await rm(join(this.target, name));
  }

  /** Names of the files beside the image, when it is not one file. */
  get #parts(): readonly string[] {
    const { subformat } = this.#settings;
    if (subformat === 'monolithicFlat') return ['disk-flat.vmdk'];
    if (!subformat?.startsWith('twoGb')) return [];
    const letter = subformat === 'twoGbMaxExtentSparse' ? 's' : 'f';
    return Array.from({ length: Math.ceil(statSync(this.source).size / EXTENT_SIZE) }, (_, index) => `disk-${letter}00${index + 1}.vmdk`);
  }

  get isPublished(): boolean {
    return existsSync(this.path);
  }

  /** SHA-256 of each file of the image, its own and those beside it. */
  async digests(): Promise<readonly string[]> {
    const names = (await this.names()).filter((name) => name !== 'disk.leaves');
    return await Promise.all(names.map((name) => sha256(join(this.target, name))));
  }

  /** The copy ended well, its guest content is the source's in the eyes of another program, and nothing else was left. */
  async expectWhole(end: CopyEnd): Promise<void> {
    expect(end).toMatchObject({ kind: 'done' });
    expect(await this.names()).toEqual(['disk', ...this.#parts, 'disk.leaves']);
    execFileSync('qemu-img', ['compare', '-f', 'raw', '-F', this.#settings.format, this.source, this.path], { stdio: 'pipe' });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

/** What one extent of a split VMDK holds. */
const EXTENT_SIZE = 2044 * 1024 * 1024;

/** Beyond the first window of 64 MiB of data, which ends at 92 MiB of the disk. */
const HALFWAY = 128 * 1024 * 1024;

/** Starts a program with a fault of libfiu in it. */
export const withFault = (command: string): Surroundings => ({ under: ['fiu-run', '-x', '-f', '', '-c', command] });
