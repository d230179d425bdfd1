import { Worker } from 'node:worker_threads';
import type { ListedReader } from './fuzz-reader.ts';
import { makeInput, toEntry, type Origin } from './pool.ts';
import { decodeSample, encodeSample } from './sample.ts';
import type { Counts, Finding, Report, RunResult } from './thread-messages.ts';

export interface RunWish {
  /** Address of the module that lists the readers. */
  readonly list: URL;
  readonly name: string;
  readonly executions: number;
  readonly seed: number;
  /** CPU time in which an execution has to end, in milliseconds. */
  readonly hangMs?: number;
  found(finding: Finding): void;
  progressed?(counts: Counts): void;
}

const HANG_MS = 5000;
const LOOK_MS = 250;
/** Heap of the thread, in MiB: a reader that fills it has no bound. */
const HEAP_MAX = 1024;

/** Fuzzes one reader in a thread that is ended when an execution does not end. Undefined: it did not come to its end. */
export async function runReader(wish: RunWish): Promise<RunResult | undefined> {
  const { list, name, executions, seed } = wish;
  const shared = new SharedArrayBuffer(16);
  const pool: Uint8Array[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<RunResult | undefined>();
  const worker = new Worker(new URL('fuzz-thread.ts', import.meta.url), {
    workerData: { list: list.href, name, executions, seed, shared },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX },
  });
  const blame = async (why: string): Promise<void> => {
    await worker.terminate();
    wish.found({ bytes: await remake(wish, { pool, shared }), why });
    resolve(undefined);
  };
  const watch = watchFor(shared, wish.hangMs ?? HANG_MS, () => void blame(`did not end within ${wish.hangMs ?? HANG_MS} ms`).catch(reject));
  worker.on('message', (report: Report) => {
    if (report.kind === 'entry') pool.push(report.bytes);
    if (report.kind === 'finding') wish.found(report);
    if (report.kind === 'progress') wish.progressed?.(report);
    if (report.kind === 'end') resolve(report);
  });
  worker.on('error', (error: NodeJS.ErrnoException) => {
    // Before the first execution it is no reader's doing.
    if (Atomics.load(new Int32Array(shared), 0) === 0) reject(error);
    else
      void blame(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? `filled ${HEAP_MAX} MiB` : `ended its thread: ${error.stack ?? error.message}`).catch(
        reject,
      );
  });
  try {
    return await promise;
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

/** Calls `hung` once an execution has used so much CPU time; a machine that does much else is no hang. */
function watchFor(shared: SharedArrayBuffer, hangMs: number, hung: () => void): NodeJS.Timeout {
  const at = new Int32Array(shared);
  let last = 0;
  let since = process.cpuUsage();
  const timer = setInterval(() => {
    const now = at[0] ?? 0;
    if (now !== last) since = process.cpuUsage();
    last = now;
    const { user, system } = process.cpuUsage(since);
    // Before the first execution there are the seeds to be made.
    if (now === 0 || (user + system) / 1000 < hangMs) return;
    clearInterval(timer);
    hung();
  }, LOOK_MS);
  return timer;
}

/** Makes the input of the execution that was under way once more, as its thread cannot tell it. */
async function remake(
  { list, name }: RunWish,
  { pool, shared }: { readonly pool: readonly Uint8Array[]; readonly shared: SharedArrayBuffer },
): Promise<Uint8Array> {
  const [, parent = 0, donor = 0, seed = 0] = new Int32Array(shared);
  const { readers } = (await import(list.href)) as { readonly readers: Readonly<Record<string, ListedReader>> };
  const reader = await readers[name]?.load();
  if (!reader) return new Uint8Array(0);
  const origin: Origin = { parent, donor, seed };
  const entries = await Promise.all(
    pool.map(async (bytes, index) => {
      const sample = decodeSample(bytes);
      return index === parent ? toEntry(reader, sample) : { sample, places: [], isSound: true };
    }),
  );
  return encodeSample(makeInput(reader, entries, origin));
}
