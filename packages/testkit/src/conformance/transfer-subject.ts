import { LEAF_SIZE } from '@hypersdk/domain';
import type { CopyProgress, CopyRequest, ImageLocator, ImageSettings, Transfer } from '@hypersdk/ports';
import { expect } from 'vitest';
import { expectEqualBytes } from './expectations.ts';

/** A place with sources and targets, and the transfer under test that works in it. */
export interface TransferSubject extends AsyncDisposable {
  /** How targets are written. */
  readonly settings: ImageSettings;
  /** Bytes that a stopped copy may have to do again: what lies between two checkpoints. */
  readonly windowSize: number;
  open(): Promise<Transfer>;
  /** A new source with this content. */
  makeSource(content: Uint8Array): Promise<ImageLocator>;
  /** Writes other content of the same length over a source, as a running VM would. */
  rewriteSource(source: ImageLocator, content: Uint8Array): Promise<void>;
  /** The mark of the source's content now. */
  markOf(source: ImageLocator): Promise<string>;
  /** A locator with nothing behind it. */
  absentSource(): ImageLocator;
  /** A path for a target where nothing is yet. */
  freshPath(): string;
  /** The image at the path, as a source. */
  locate(path: string): ImageLocator;
  /** What a guest would see in the image at the path; undefined when there is none. */
  readTarget(path: string): Promise<Uint8Array | undefined>;
}

export type ArrangeTransfer = () => Promise<TransferSubject>;

/** Three whole leaves and a short one of nine sectors. */
export const DISK_SIZE = 3 * LEAF_SIZE + 9 * 512;

/** Slow enough that a copy of `diskContent` can be interrupted, fast enough to wait for. */
export const INTERRUPTIBLE_RATE = 16 * 1024 * 1024;

/** Made once for each seed: noise takes longer to make than to copy. */
const made = new Map<number, Uint8Array>();

/** A disk of noise with one leaf of zeros and zeros on both sides of it. Equal seeds give equal disks; nobody writes into them. */
export function diskContent(seed: number): Uint8Array {
  const content = made.get(seed) ?? noise(seed, DISK_SIZE);
  made.set(seed, content);
  return content;
}

/** A disk of `size` bytes, a multiple of four, that is longer than `diskContent` and like it at its start. */
export function noise(seed: number, size: number): Uint8Array {
  const words = new Uint32Array(size / 4);
  let state = seed * 2_654_435_769 + 1;
  for (let at = 0; at < words.length; at += 1) {
    // xorshift32, Marsaglia 2003.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  const content = new Uint8Array(words.buffer);
  content.fill(0, LEAF_SIZE - 70_000, 2 * LEAF_SIZE + 70_000);
  return content;
}

/** A copy of the content with one byte changed. */
export function flipByte(content: Uint8Array, offset: number): Uint8Array {
  const flipped = content.slice();
  flipped[offset] = (flipped[offset] ?? 0) ^ 0xff;
  return flipped;
}

/** A proven copy of a new source with this content to a fresh path. */
export async function requestOf(subject: TransferSubject, content: Uint8Array): Promise<CopyRequest & { readonly source: ImageLocator }> {
  const source = await subject.makeSource(content);
  return { ...plainRequest(subject), source, sourceMark: await subject.markOf(source) };
}

/** The same request for another source, in place of the one it was for. */
export async function withSource(subject: TransferSubject, request: CopyRequest, content: Uint8Array): Promise<CopyRequest> {
  const source = await subject.makeSource(content);
  return { ...request, source, sourceMark: await subject.markOf(source) };
}

/** A proven copy to a fresh path, without its source. */
export const plainRequest = (subject: TransferSubject): Omit<CopyRequest, 'source' | 'sourceMark'> => ({
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

/** Starts a copy, cancels it as soon as more than `after` bytes of it have settled, and expects that it ends for that reason. */
export async function interruptCopy(
  transfer: Transfer,
  request: CopyRequest,
  o: { readonly after: number; readonly rate: number } = { after: 0, rate: INTERRUPTIBLE_RATE },
): Promise<void> {
  const stop = new AbortController();
  const reason = new Error('called off');
  const onProgress = ({ stage, settled }: CopyProgress): void => {
    if (stage === 'copying' && settled > o.after) stop.abort(reason);
  };
  const outcome = transfer.copy({ ...request, rateLimit: o.rate }, { signal: stop.signal, onProgress });
  await expect(outcome).rejects.toBe(reason);
}
