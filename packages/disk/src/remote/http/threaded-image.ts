import { Worker } from 'node:worker_threads';
import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { fromWireError } from '../../copy/wire-error.ts';
import { createWindow, FileWindow, SlotState } from './file-window.ts';
import type { FromImageThread, ImageAnswers, ImageQuestion, ImageThreadStart } from './image-messages.ts';

/** Tables are bounded by the readers; buffers lie outside. */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 256 };

/** Bytes on another machine. */
export interface FetchedFile {
  readonly size: number;
  /** Fills `into`, which lies in shared memory. */
  read(offset: number, into: Uint8Array, o: Cancel): Promise<void>;
}

interface Asking extends Omit<PromiseWithResolvers<ImageAnswers[keyof ImageAnswers]>, 'promise'> {}

/** An image that a thread of its own reads, while this one fetches what it waits for. So neither waits for the other's work. */
export class ThreadedImage implements Disposable {
  readonly #worker: Worker;
  readonly #file: FetchedFile;
  readonly #window: FileWindow;
  readonly #asking = new Map<number, Asking>();
  readonly #stop = new AbortController();
  #lastId = 0;
  /** Why a block could not be fetched: says more than the thread, which only saw that it did not come. */
  #failure: unknown;

  constructor(file: FetchedFile, path: string) {
    const window = createWindow();
    const start: ImageThreadStart = { path, size: file.size, window };
    this.#file = file;
    this.#window = new FileWindow(window);
    this.#worker = new Worker(new URL('./image-thread.ts', import.meta.url), { workerData: start, resourceLimits: THREAD_LIMITS });
    this.#worker.on('message', (message: FromImageThread) => this.#take(message));
    this.#worker.on('error', (cause) => this.#end(new HyperError('internal/unexpected', `The thread that reads ${path} died.`, { cause })));
  }

  async ask<Kind extends ImageQuestion['kind']>(question: ImageQuestion & { readonly kind: Kind }): Promise<ImageAnswers[Kind]> {
    this.#stop.signal.throwIfAborted();
    this.#lastId += 1;
    const { promise, ...settle } = Promise.withResolvers<ImageAnswers[keyof ImageAnswers]>();
    this.#asking.set(this.#lastId, settle);
    this.#worker.postMessage({ id: this.#lastId, question });
    // The thread answers each question with what belongs to its kind.
    return (await promise) as ImageAnswers[Kind];
  }

  #take(message: FromImageThread): void {
    if (message.type === 'fetch') return void this.#fetch(message);
    const asking = this.#asking.get(message.id);
    this.#asking.delete(message.id);
    if (message.type === 'answer') return asking?.resolve(message.answer);
    const failure = this.#failure;
    this.#failure = undefined;
    asking?.reject(message.error.code === 'source/unreadable' && failure !== undefined ? failure : fromWireError(message.error));
  }

  async #fetch({ slot, range }: FromImageThread & { type: 'fetch' }): Promise<void> {
    try {
      await this.#file.read(range.offset, this.#window.slot(slot).subarray(0, range.length), this.#stop);
      this.#window.end(slot, SlotState.filled);
    } catch (error) {
      this.#failure = error;
      this.#window.end(slot, SlotState.failed);
    }
  }

  #end(reason: unknown): void {
    if (!this.#stop.signal.aborted) this.#stop.abort(reason);
    this.#window.stop();
    for (const { reject } of this.#asking.values()) reject(reason);
    this.#asking.clear();
  }

  [Symbol.dispose](): void {
    this.#end(new HyperError('transfer/cancelled', 'The image was closed.'));
    void this.#worker.terminate();
  }
}
