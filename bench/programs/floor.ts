// What is left of a task when all but its unavoidable work is taken away, on all cores at once: node floor.ts RAW_IMAGE WORK [OUT [THREADS]]
// WORK: copy | sha256 | CODEC:LEVEL | CODEC:LEVEL:back, where CODEC is deflate-4k, zlib or zstd.
import { hash } from 'node:crypto';
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { KIB, LEAF_SIZE } from '@hypersdk/domain';
import { nativeCodecs, nativeFs } from '../../packages/disk/src/native/load.ts';
import { isZero } from '../../packages/disk/src/stream/is-zero.ts';

const CLUSTER = 64 * KIB;
const PIECE = 256 * KIB;

interface Task {
  readonly path: string;
  readonly work: string;
  readonly out: string;
  /** The next leaf that nobody has taken. */
  readonly next: Int32Array;
}

if (isMainThread) {
  const [path = '', work = '', out = '', threads = ''] = process.argv.slice(2);
  if (out) sizeLike(path, out);
  const task: Task = { path, work, out, next: new Int32Array(new SharedArrayBuffer(4)) };
  for (let others = (Number(threads) || availableParallelism()) - 1; others > 0; others -= 1)
    new Worker(new URL('./floor.ts', import.meta.url), { workerData: task });
  runOn(task);
} else runOn(workerData as Task);

function sizeLike(path: string, out: string): void {
  const from = openSync(path, 'r');
  const to = openSync(out, 'w');
  ftruncateSync(to, fstatSync(from).size);
  closeSync(from);
  closeSync(to);
}

function runOn({ path, work, out, next }: Task): void {
  const fd = openSync(path, 'r');
  const { size } = fstatSync(fd);
  // What is only passed on stays in the cache of its core.
  const piece = work === 'copy' ? PIECE : LEAF_SIZE;
  const buffer = new Uint8Array(piece);
  const take = work === 'copy' ? copyTo(openSync(out, 'r+')) : work === 'sha256' ? (bytes: Uint8Array) => void hash('sha256', bytes) : packWith(work);
  for (let offset = 0; (offset = Atomics.add(next, 0, 1) * LEAF_SIZE) < size;) {
    const end = Math.min(offset + LEAF_SIZE, size);
    for (const [from, to] of dataIn(fd, offset, end)) {
      for (let at = from; at < to; at += piece) take(buffer.subarray(0, readSync(fd, buffer, 0, Math.min(piece, to - at), at)), at);
    }
  }
}

function* dataIn(fd: number, offset: number, end: number): Generator<readonly [from: number, to: number]> {
  const { seekData, seekHole } = nativeFs();
  if (!seekData || !seekHole) return yield [offset, end];
  for (let at = seekData(fd, offset); at !== undefined && at < end;) {
    const to = Math.min(seekHole(fd, at), end);
    yield [at, to];
    at = to < end ? seekData(fd, to) : undefined;
  }
}

function copyTo(fd: number): (bytes: Uint8Array, offset: number) => void {
  return (bytes, offset) => void writeSync(fd, bytes, 0, bytes.length, offset);
}

function packWith(work: string): (bytes: Uint8Array) => void {
  const [name, level, back] = work.split(':');
  const codec = (['deflate-4k', 'zlib', 'zstd'] as const).find((known) => known === name);
  if (codec === undefined) throw new Error(`${work} is no work.`);
  const compressor = nativeCodecs().compressor(codec, Number(level));
  const decompressor = nativeCodecs().decompressor(codec);
  const packed = new Uint8Array(2 * CLUSTER);
  const unpacked = new Uint8Array(CLUSTER);
  return (bytes) => {
    for (let at = 0; at < bytes.length; at += CLUSTER) {
      const cluster = bytes.subarray(at, at + CLUSTER);
      if (isZero(cluster)) continue;
      const length = compressor.compress(cluster, packed, 0);
      if (back && length > 0) decompressor.decompress(packed.subarray(0, length), unpacked);
    }
  };
}
