import { errorTable, HyperError, type ErrorCode } from '@hypersdk/domain';
import { openPlaces, runTogether } from '@hypersdk/usecases';
import type { CliContext } from '../cli-context.ts';
import type { BatchFlags } from '../commands/batch.ts';
import { bootExports, hasFailedBoot } from '../boot/boot-exports.ts';
import { expectDisks, exportVMs, type SharedMeans } from '../export/export-vms.ts';
import { toSubject } from '../export/open-export.ts';
import { toGain } from '../export/run-export.ts';
import { withHook } from '../hook/with-hook.ts';
import { toHyperError } from '../output/error-report.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { openTracker } from '../progress/open-tracker.ts';
import { keepRate } from '../rate/keep-rate.ts';
import { parseRateLimit } from '../rate/rate-limit.ts';
import { recordRun } from '../run-record.ts';
import type { Services } from '../services.ts';
import { listenForStop, type Stop } from '../stop.ts';
import { describeBatchPlan, describeEnded, toEndedDocument, toPlanDocument } from './describe-batch.ts';
import { planBatch, type EndedItem, type PlannedItem } from './plan-batch.ts';
import { readBatch, type Batch } from './read-batch.ts';

/** As `export` has it. */
const PARALLEL_DEFAULT = 2;

/** A batch whose settings are wrong is mended by whoever wrote it; what else is in its way may be gone later. */
const codeOf = ({ problem }: PlannedItem): ErrorCode => (problem?.code.startsWith('usage/') ? problem.code : 'batch/refused');

interface Task {
  readonly cli: CliContext;
  readonly services: Services;
  readonly stop: Stop;
  readonly flags: BatchFlags;
  readonly batch: Batch;
  readonly onError: 'stop' | 'continue';
}

export async function runBatch(this: CliContext, flags: BatchFlags, file: string): Promise<void> {
  const batch = await readBatch(file);
  const services = await this.services();
  using stop = listenForStop();
  await using stack = new AsyncDisposableStack();
  const onProblem = (problem: string): void => (flags.quiet ? undefined : this.terminal.err(`hyperexport: left out: ${printable(problem)}\n`));
  const items = await planBatch(services, batch.orders, { signal: stop.signal, stack, onProblem });
  const task: Task = { cli: this, services, stop, flags, batch, onError: flags.onError ?? batch.onError };
  if (flags.dryRun || flags.plan) return showPlan(task, items);

  // Results go to standard output; what is about to happen is for whoever watches.
  if (!flags.quiet && !flags.json) this.terminal.err(`${describeBatchPlan(items, this.terminal)}\n`);
  refuseFailing(task, items);
  const subject = { command: 'batch', source: batch.path } as const;
  const ended = await withHook({ hook: flags.hook, cli: this, subject, toDocument: toEndedDocument, failed: firstError }, () =>
    runItems(task, items),
  );
  respond(this, flags, { document: { batch: batch.path, ...toEndedDocument(ended) }, text: () => describeEnded(ended, this.terminal) });
  const error = firstError(ended);
  if (error) this.process.exitCode = errorTable[error.code].exit;
}

function showPlan({ cli, flags, batch }: Task, items: readonly PlannedItem[]): void {
  respond(cli, flags, {
    document: { batch: batch.path, ...toPlanDocument(items) },
    text: () => describeBatchPlan(items, cli.terminal),
  });
  const failing = items.find((item) => item.action === 'fail');
  // A plan that would fail says so to scripts too.
  if (failing) cli.process.exitCode = errorTable[codeOf(failing)].exit;
}

/** Checked whole before the first byte: a batch that cannot end well is not begun, unless its other items are wanted anyway. */
function refuseFailing({ onError }: Task, items: readonly PlannedItem[]): void {
  const failing = items.filter((item) => item.action === 'fail');
  const [first] = failing;
  if (!first || onError === 'continue') return;
  const others = failing.length === 1 ? '' : ` (and ${failing.length - 1} more)`;
  throw new HyperError(codeOf(first), `items[${first.index}] would fail: ${first.problem?.message ?? ''}${others}`, {
    detail: toPlanDocument(items),
  });
}

async function runItems(task: Task, items: readonly PlannedItem[]): Promise<readonly EndedItem[]> {
  const { cli, services, stop, flags, batch } = task;
  const limit = flags.limitRate ?? (batch.limitRate === undefined ? undefined : parseRateLimit(batch.limitRate));
  using tracker = openTracker(cli.terminal, { flags, clock: services.clock, verifyPercent: 100, stop });
  using rate = keepRate(services.transfer({ workers: flags.workers }), limit, services.clock);
  const places = openPlaces(flags.parallel ?? batch.parallel ?? PARALLEL_DEFAULT);
  const means = { services, tracker, places, ...(rate.budget === undefined ? {} : { budget: rate.budget }) };
  for (const { opened, action } of items) if (opened && action === 'export') expectDisks(opened, tracker);

  let isOver = false;
  // What runs when another item fails is worth its end; only nothing new begins. A person's wish to stop ends all of it.
  return await runTogether(items, { signal: new AbortController().signal, width: places.count }, async (item) => {
    const ended = await endItem(task, means, { item, isOver: isOver || stop.signal.aborted });
    if (ended.status === 'failed' && task.onError === 'stop') isOver = true;
    return ended;
  });
}

async function endItem(
  { services, stop }: Task,
  means: SharedMeans,
  { item, isOver }: { readonly item: PlannedItem; readonly isOver: boolean },
): Promise<EndedItem> {
  const { index, order, opened, action, problem } = item;
  const about = { index, order, vms: opened?.vms.map((vm) => vm.name) ?? [] };
  if (action === 'skip') return { ...about, status: 'skipped' };
  if (action === 'fail' || !opened) return { ...about, status: 'failed', ...(problem ? { error: problem } : {}) };
  if (isOver) return { ...about, status: 'not-run' };
  try {
    const { run, finished } = await recordRun(services, toSubject(order), {
      signal: stop.signal,
      work: async (begun) => {
        const exported = await exportVMs(opened, means, { signal: stop.signal, run: begun });
        return { run: begun.entry, finished: order.flags.bootProof ? await bootExports(services, exported, stop) : exported };
      },
      gain: (outcome) => toGain(outcome.finished),
    });
    if (hasFailedBoot(finished))
      return { ...about, status: 'failed', run, finished, error: new HyperError('boot/failed', 'The copy does not boot.') };
    return { ...about, status: 'succeeded', run, finished };
  } catch (thrown) {
    return { ...about, status: 'failed', error: toHyperError(thrown) };
  }
}

const firstError = (ended: readonly EndedItem[]): HyperError | undefined =>
  ended.find((item) => item.error?.code === 'transfer/cancelled')?.error ?? ended.find((item) => item.error)?.error;
