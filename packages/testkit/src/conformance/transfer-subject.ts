import { LEAF_SIZE } from '@hypersdk/domain';
import type { BlockLocator, CopyRequest, ImageSettings, Transfer } from '@hypersdk/ports';
import { expect } from 'vitest';
import { expectEqualBytes } from './expectations.ts';

/** A place with sources and targets, and the transfer under test that works in it. */
export interface TransferSubject extends AsyncDisposable {
  /** How targets are written. */
  readonly settings: ImageSettings;
  open(): Promise<Transfer>;
  /** A new source with this content. */
  makeSource(content: Uint8Array): Promise<BlockLocator>;
  /** Writes other content of the same length over a source, as a running VM would. */
  rewriteSource(source: BlockLocator, content: Uint8Array): Promise<void>;
  /** A locator with nothing behind it. */
  absentSource(): BlockLocator;
  /** A path for a target where nothing is yet. */
  freshPath(): string;
  /** The image at the path, as a source. */
  locate(path: string): BlockLocator;
  /** What a guest would see in the image at the path; undefined when there is none. */
  readTarget(path: string): Promise<Uint8Array | undefined>;
}

export type ArrangeTransfer = () => Promise<TransferSubject>;

/** Five whole leaves and a short one of nine sectors. */
export const DISK_SIZE = 5 * LEAF_SIZE + 9 * 512;

/** Slow enough that a copy of `diskContent` can be interrupted, fast enough to wait for. */
export const INTERRUPTIBLE_RATE = 32 * 1024 * 1024;

/** Made once for each seed: noise takes longer to make than to copy. */
const made = new Map<number, Uint8Array>();

/** A disk of noise with one leaf of zeros and a run of zeros across a leaf border. Equal seeds give equal disks; nobody writes into them. */
export function diskContent(seed: number): Uint8Array {
  const content = made.get(seed) ?? noise(seed);
  made.set(seed, content);
  return content;
}

function noise(seed: number): Uint8Array {
  const words = new Uint32Array(DISK_SIZE / 4);
  let state = seed * 2_654_435_769 + 1;
  for (let at = 0; at < words.length; at += 1) {
    // xorshift32, Marsaglia 2003.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  const content = new Uint8Array(words.buffer);
  content.fill(0, 2 * LEAF_SIZE, 3 * LEAF_SIZE);
  content.fill(0, 4 * LEAF_SIZE - 70_000, 4 * LEAF_SIZE + 70_000);
  return content;
}

/** A copy of the content with one byte changed. */
export function flipByte(content: Uint8Array, offset: number): Uint8Array {
  const flipped = content.slice();
  flipped[offset] = (flipped[offset] ?? 0) ^ 0xff;
  return flipped;
}

/** A proven copy of a source to a fresh path. */
export const requestOf = (subject: TransferSubject, source: BlockLocator): CopyRequest => ({
  source,
  sourceMark: 'mark-1',
  path: subject.freshPath(),
  settings: subject.settings,
  digest: 'tree',
  durability: 'sync',
  verifyPercent: 100,
  overwrite: false,
  restart: false,
});

export async function expectTarget(subject: TransferSubject, path: string, content: Uint8Array): Promise<void> {
  const image = await subject.readTarget(path);
  if (!image) expect.fail(`There is no image at ${path}.`);
  expectEqualBytes(image, content);
}

export async function expectNoTarget(subject: TransferSubject, path: string): Promise<void> {
  expect((await subject.readTarget(path))?.length, 'size of an image that must not be there').toBeUndefined();
}

/** Starts a copy, cancels it as soon as some of it has settled, and expects that it ends for that reason. */
export async function interruptCopy(transfer: Transfer, request: CopyRequest): Promise<void> {
  const stop = new AbortController();
  const reason = new Error('called off');
  const onProgress = ({ stage, settled }: { readonly stage: string; readonly settled: number }): void => {
    if (stage === 'copying' && settled > 0) stop.abort(reason);
  };
  const outcome = transfer.copy({ ...request, rateLimit: INTERRUPTIBLE_RATE }, { signal: stop.signal, onProgress });
  await expect(outcome).rejects.toBe(reason);
}
