import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { HyperError, type ByteRange, type Extent } from '@hypersdk/domain';
import type { BlockLocator } from '@hypersdk/ports';
import { fromWireError } from '../copy/wire-error.ts';
import type { FromReader, ToReader } from './reader-messages.ts';

/** One slow read holds up one thread; with so many, the others go on. */
const READER_COUNT_MIN = 2;
const READER_COUNT_MAX = 8;

/** A thread that waits for a server, not for a medium, has many reads under way; a reader of a format on the web has one. */
function countReaders(locator: BlockLocator): number {
  if (locator.kind === 'nbd' || (locator.kind === 'http' && locator.format === 'raw')) return 1;
  if (locator.kind === 'http') return READER_COUNT_MIN;
  return Math.min(READER_COUNT_MAX, Math.max(READER_COUNT_MIN, availableParallelism()));
}

type Question = Omit<Extract<ToReader, { type: 'read' }>, 'id'> | Omit<Extract<ToReader, { type: 'extents' }>, 'id'>;

interface Asked {
  readonly resolve: (answer: FromReader) => void;
  readonly reject: (error: Error) => void;
}

interface Reader {
  readonly worker: Worker;
  readonly asked: Map<number, Asked>;
}

export interface ReadDisk {
  readonly virtualSize: number;
  readonly unitSize: number;
  readonly format: string;
}

/** Threads that have one disk open each, an image or a remote one. A question goes to the one that has the least to do. */
export class DiskReaders implements AsyncDisposable {
  readonly disk: ReadDisk;
  readonly #readers: readonly Reader[];
  #lastId = 0;

  private constructor(disk: ReadDisk, readers: readonly Reader[]) {
    this.disk = disk;
    this.#readers = readers;
  }

  static async open(locator: BlockLocator): Promise<DiskReaders> {
    const start = (): Worker => new Worker(new URL('./reader-thread.ts', import.meta.url), { workerData: locator });
    const workers = Array.from({ length: countReaders(locator) }, start);
    try {
      const opened = await Promise.all(workers.map(open));
      const readers = workers.map((worker) => ({ worker, asked: new Map<number, Asked>() }));
      for (const reader of readers) follow(reader);
      return new DiskReaders(opened[0] ?? { virtualSize: 0, unitSize: 1, format: '' }, readers);
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.terminate()));
      throw error;
    }
  }

  async read(range: ByteRange): Promise<Uint8Array> {
    const answer = await this.#ask({ type: 'read', range });
    if (answer.type !== 'bytes') throw unforeseen();
    return answer.bytes;
  }

  async extents(range: ByteRange, countMax: number): Promise<readonly Extent[]> {
    const answer = await this.#ask({ type: 'extents', range, countMax });
    if (answer.type !== 'extents') throw unforeseen();
    return answer.extents;
  }

  async #ask(question: Question): Promise<FromReader> {
    const [first, ...others] = this.#readers;
    if (!first) throw unforeseen();
    const idlest = others.reduce((best, reader) => (reader.asked.size < best.asked.size ? reader : best), first);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      idlest.asked.set(id, { resolve, reject });
      idlest.worker.postMessage({ ...question, id } satisfies ToReader);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#readers.map(({ worker }) => worker.terminate()));
  }
}

function open(worker: Worker): Promise<ReadDisk> {
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', (message: FromReader) => {
      worker.off('error', reject);
      if (message.type === 'ready') resolve({ virtualSize: message.virtualSize, unitSize: message.unitSize, format: message.format });
      else reject(message.type === 'refused' ? fromWireError(message.error) : unforeseen());
    });
  });
}

function follow({ worker, asked }: Reader): void {
  worker.on('message', (message: FromReader) => {
    if (message.type === 'ready' || message.type === 'refused') return;
    const waiting = asked.get(message.id);
    asked.delete(message.id);
    if (message.type === 'failed') waiting?.reject(fromWireError(message.error));
    else waiting?.resolve(message);
  });
  const lose = (): void => {
    for (const { reject } of asked.values()) reject(unforeseen());
    asked.clear();
  };
  worker.on('error', lose);
  worker.on('exit', lose);
}

const unforeseen = (): HyperError => new HyperError('internal/unexpected', 'A thread that reads the disk ended.');
