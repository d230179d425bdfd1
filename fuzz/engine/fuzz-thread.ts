// A thread that fuzzes one reader. It is ended from outside when an execution does not end by itself.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { Branches } from './branches.ts';
import { distil } from './distil.ts';
import type { ListedReader } from './fuzz-reader.ts';
import { judge } from './judge.ts';
import { loadCorpus } from './load-corpus.ts';
import { makeInput, pickOrigin, toEntry, type Entry } from './pool.ts';
import { encodeSample, type Sample } from './sample.ts';
import type { Report, ThreadWish } from './thread-messages.ts';

/** CPU time of one execution; more is a hang in the making. */
const EXECUTION_MAX_MS = 500;
/** Entries beyond this many are as good as others that are there. */
const POOL_MAX = 20_000;
const FINDINGS_MAX = 20;
const STACK_DEPTH = 12;
const EXECUTIONS_PER_REPORT = 2000;

const wish = workerData as ThreadWish;
const port = parentPort ?? fail('It is no thread.');
const at = new Int32Array(wish.shared);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

// Most executions end in an error whose place nobody asks for; defects are met once more with it.
Error.stackTraceLimit = 0;
const branches = new Branches();
const { readers } = (await import(wish.list)) as { readonly readers: Readonly<Record<string, ListedReader>> };
const reader = (await readers[wish.name]?.load(branches)) ?? fail(`There is no reader ${wish.name}.`);

const pool: Entry[] = [];
const tally = { read: 0, refused: 0, findings: 0, slowestMs: 0 };
const told: string[] = [];

for (const sample of [...(await reader.seeds()), ...(reader.hostile?.() ?? []), ...loadCorpus(wish.name)]) {
  await execute(sample, { isSeed: true });
}
const tell = (report: Report): void => port.postMessage(report);
/** Taken once code is compiled and the first inputs have come. */
let before = 0;
const began = process.threadCpuUsage();
for (let number = 0; number < wish.executions; number += 1) {
  const origin = pickOrigin(pool, wish.seed + number);
  at.set([number, origin.parent, origin.donor, origin.seed]);
  await execute(makeInput(reader, pool, origin), { isSeed: false });
  if (number % EXECUTIONS_PER_REPORT === EXECUTIONS_PER_REPORT - 1) {
    report(number + 1, false);
    before ||= memory();
    // Timers and closed streams are to have their turn.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}
report(wish.executions, true);

async function execute(sample: Sample, { isSeed }: { readonly isSeed: boolean }): Promise<void> {
  const started = process.threadCpuUsage();
  let finding: string | undefined;
  try {
    tally[await judge(reader, sample)] += 1;
  } catch (error) {
    finding = await stackOf(sample, error);
  }
  const used = process.threadCpuUsage(started);
  const news = branches.take();
  const ms = (used.user + used.system) / 1000;
  if (ms > EXECUTION_MAX_MS) finding ??= `took ${ms.toFixed(0)} ms`;
  if (!isSeed) tally.slowestMs = Math.max(tally.slowestMs, ms);
  if (finding !== undefined) note(sample, finding);
  if (!isSeed && (news === undefined || finding !== undefined || pool.length >= POOL_MAX)) return;
  const entry = await toEntry(reader, sample);
  branches.take();
  pool.push(entry);
  port.postMessage({ kind: 'entry', bytes: encodeSample(entry.sample) } satisfies Report);
}

async function stackOf(sample: Sample, thrown: unknown): Promise<string> {
  Error.stackTraceLimit = STACK_DEPTH;
  const again: unknown = await judge(reader, sample).catch((error: unknown) => error);
  Error.stackTraceLimit = 0;
  const error = again instanceof Error ? again : thrown;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function note(sample: Sample, why: string): void {
  // One defect is met a thousand times.
  const key = why.split('\n').slice(0, 3).join('\n').replaceAll(/\d+/g, '0');
  if (told.includes(key)) return;
  tally.findings += 1;
  told.push(key);
  if (tally.findings <= FINDINGS_MAX) port.postMessage({ kind: 'finding', bytes: encodeSample(sample), why } satisfies Report);
}

function report(executions: number, isLast: boolean): void {
  const used = process.threadCpuUsage(began);
  const counts = {
    ...tally,
    executions,
    cpuMs: (used.user + used.system) / 1000,
    reached: branches.reached,
    total: branches.total,
    pool: pool.length,
  };
  if (!isLast) return tell({ kind: 'progress', ...counts });
  const growth = memory() - before;
  const { unreached } = branches;
  void distil(reader, { pool, branches }).then((kept) => tell({ kind: 'end', ...counts, growth, unreached, kept: kept.map(encodeSample) }));
}

/** What is held once everything that nobody needs is gone. */
function memory(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function fail(why: string): never {
  throw new Error(why);
}
