import { createHash } from 'node:crypto';
import { HyperError } from '@hypersdk/domain';
import type { IsoUpload, IsoUploadOptions } from '@hypersdk/ports';
import { procedures, type StorageVolume } from '../rpc/procedures.ts';
import type { RpcClient } from '../rpc/rpc-client.ts';
import type { StreamPiece } from '../rpc/rpc-stream.ts';
import { ISO_HEAD_SIZE } from '../../iso-descriptor.ts';

const MARK = 'HyperSDK: this upload is not finished; run ';
/** From the beginning of a volume on, as much as is read to see a mark. */
export const MARK_SIZE = 512;

/** What stands where the descriptors of a disc belong until all of it was read back: nobody can take it for one, and whoever made it is known. */
export function markOf(run: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes.set(Buffer.from(`${MARK}${run}\n`, 'latin1').subarray(0, size));
  return bytes;
}

/** The run that did not finish; undefined for what is not ours, or whole. */
export const runOfMark = (bytes: Uint8Array): string | undefined =>
  new RegExp(`^${MARK}([A-Za-z0-9]{1,64})\n`).exec(Buffer.from(bytes.subarray(0, MARK_SIZE)).toString('latin1'))?.[1];

/** The first bytes of a stream, and an iteration over the others. */
export async function splitHead(
  content: AsyncIterable<Uint8Array>,
  size: number,
): Promise<{ readonly head: Uint8Array; readonly rest: AsyncGenerator<Uint8Array> }> {
  const iterator = content[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (length < size) {
    const { value, done } = await iterator.next();
    if (done) break;
    pieces.push(value);
    length += value.length;
  }
  const bytes = Buffer.concat(pieces);
  return { head: bytes.subarray(0, size), rest: restOf(bytes.subarray(size), iterator) };
}

async function* restOf(first: Uint8Array, iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (first.length > 0) yield first;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

interface Filling extends IsoUploadOptions {
  readonly image: Pick<IsoUpload, 'name' | 'fileSize' | 'digest'>;
  readonly head: Uint8Array;
  readonly rest: AsyncIterable<Uint8Array>;
  readonly run: string;
}

/** Sends all but the head, reads it back, and only then puts the head in its place. `verify/mismatch` when anything is other than it was named. */
export async function fillIso(client: RpcClient, volume: StorageVolume, filling: Filling): Promise<void> {
  const { image, head, signal } = filling;
  const mark = markOf(filling.run, head.length);
  await client.upload(procedures.volumeUpload, { volume, offset: 0n, length: 0n, flags: 0 }, { signal, pieces: sent(filling, mark) });
  await readBack(client, volume, { ...filling, mark });
  const pieces = piecesOf([head]);
  await client.upload(procedures.volumeUpload, { volume, offset: 0n, length: BigInt(head.length), flags: 0 }, { signal, pieces });
  const stored = await readStart(client, volume, { signal, size: head.length });
  if (!stored.equals(head)) throw mismatch(image.name, 'lies there is not what was sent');
}

/** Hashes what it passes on, and fails at its end when that is not what was promised. */
async function* sent({ image, head, rest, onProgress }: Filling, mark: Uint8Array): AsyncGenerator<StreamPiece> {
  const hash = createHash('sha256').update(head);
  let settled = head.length;
  yield { kind: 'data', bytes: mark };
  for await (const bytes of rest) {
    settled += bytes.length;
    if (settled > image.fileSize) throw mismatch(image.name, `came has more than ${image.fileSize} bytes`);
    hash.update(bytes);
    yield { kind: 'data', bytes };
    onProgress?.({ stage: 'copying', settled });
  }
  if (settled !== image.fileSize) throw mismatch(image.name, `came has ${settled} bytes and not ${image.fileSize}`);
  if (hash.digest('hex') !== image.digest) throw mismatch(image.name, 'came has another digest');
}

async function readBack(
  client: RpcClient,
  volume: StorageVolume,
  { image, head, mark, signal, onProgress }: Filling & { readonly mark: Uint8Array },
): Promise<void> {
  const hash = createHash('sha256').update(head);
  const start: Uint8Array[] = [];
  let settled = 0;
  for await (const piece of client.download(procedures.volumeDownload, { volume, offset: 0n, length: 0n, flags: 0 }, { signal })) {
    if (piece.kind === 'hole') throw mismatch(image.name, 'lies there has holes that nobody asked for');
    const before = Math.max(0, Math.min(piece.bytes.length, head.length - settled));
    if (before > 0) start.push(piece.bytes.subarray(0, before));
    hash.update(piece.bytes.subarray(before));
    settled += piece.bytes.length;
    if (settled > image.fileSize) break;
    onProgress?.({ stage: 'verifying', settled });
  }
  const isRight = settled === image.fileSize && Buffer.concat(start).equals(mark) && hash.digest('hex') === image.digest;
  if (!isRight) throw mismatch(image.name, 'lies there is not what was sent');
}

/** The beginning of a volume, as long as it is. */
export async function readStart(
  client: RpcClient,
  volume: StorageVolume,
  { signal, size }: { readonly signal: AbortSignal; readonly size: number },
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const args = { volume, offset: 0n, length: BigInt(Math.min(size, ISO_HEAD_SIZE)), flags: 0 };
  let length = 0;
  for await (const piece of client.download(procedures.volumeDownload, args, { signal })) {
    if (piece.kind === 'data') pieces.push(piece.bytes);
    length += piece.kind === 'data' ? piece.bytes.length : 0;
    if (length > size) break;
  }
  return Buffer.concat(pieces).subarray(0, size);
}

async function* piecesOf(all: readonly Uint8Array[]): AsyncGenerator<StreamPiece> {
  for (const bytes of all) yield { kind: 'data', bytes };
}

const mismatch = (name: string, what: string): HyperError => new HyperError('verify/mismatch', `${name}: what ${what}.`, { detail: { image: name } });
