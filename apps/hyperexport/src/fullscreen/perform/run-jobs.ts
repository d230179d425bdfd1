import { HyperError } from '@hypersdk/domain';
import { openPlaces, type Places } from '@hypersdk/usecases';
import { bootExports } from '../../boot/boot-exports.ts';
import type { FinishedExport } from '../../export/describe-export.ts';
import { toExportDocument } from '../../export/describe-export.ts';
import { exportVMs } from '../../export/export-vms.ts';
import { openExport, toSubject, type OpenedExport } from '../../export/open-export.ts';
import { parseExportLine } from '../../export/parse-export-line.ts';
import { toGain } from '../../export/run-export.ts';
import { withHook } from '../../hook/with-hook.ts';
import { exitCodeOf, toHyperError } from '../../output/error-report.ts';
import { ProgressTracker } from '../../progress/progress-tracker.ts';
import { keepRate, type KeptRate } from '../../rate/keep-rate.ts';
import { recordRun } from '../../run-record.ts';
import type { Services } from '../../services.ts';
import type { BrowseEvent } from '../browse-state.ts';
import type { Job, JobEnd, JobOrder } from '../jobs/jobs-state.ts';
import { sizeToCopy } from '../list/vm-columns.ts';

interface OpenedOrder {
  readonly opened: OpenedExport;
  readonly places: Places;
  readonly rate: KeptRate;
}

/**
 * Runs exports one by one, each as the command would: with its own line in the history, so that it can be paused, killed and gone on with alone.
 * What was ordered together shares one session, the places for disks, and the rate.
 */
export class JobRunner implements AsyncDisposable {
  readonly #services: Services;
  readonly #tell: (event: BrowseEvent) => void;
  readonly #orders = new Map<number, Promise<OpenedOrder>>();
  readonly #running = new Map<number, AbortController>();
  readonly #all = new Set<Promise<void>>();
  readonly #closing = new AsyncDisposableStack();

  constructor(services: Services, tell: (event: BrowseEvent) => void) {
    this.#services = services;
    this.#tell = tell;
  }

  start(job: Job): void {
    const controller = new AbortController();
    this.#running.set(job.id, controller);
    const attempt = this.#attempt(job, controller.signal).then((end) => {
      this.#running.delete(job.id);
      this.#all.delete(attempt);
      this.#tell({ kind: 'ended', job: job.id, end });
    });
    this.#all.add(attempt);
  }

  /** Lets it come to its checkpoint; that it did is told like every end. */
  halt(job: number): void {
    this.#running.get(job)?.abort(new HyperError('transfer/cancelled', 'Stopped as asked'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const job of this.#running.keys()) this.halt(job);
    await Promise.all(this.#all);
    await this.#closing.disposeAsync();
  }

  async #attempt(job: Job, signal: AbortSignal): Promise<JobEnd> {
    try {
      const whole = await this.#open(job.order);
      return { kind: 'done', finished: await this.#export(job, whole, signal) };
    } catch (thrown) {
      const error = toHyperError(thrown);
      const resume = typeof error.detail['resume'] === 'string' ? { resume: error.detail['resume'] } : {};
      if (error.code === 'transfer/cancelled') return { kind: 'stopped', ...resume };
      const problem = `${error.message.replace(/\.$/, '')}. ${error.mend}`;
      return { kind: 'failed', problem, canGoOn: error.retry !== 'never', exitCode: exitCodeOf(error), ...resume };
    }
  }

  async #export(job: Job, whole: OpenedOrder, signal: AbortSignal): Promise<readonly FinishedExport[]> {
    const services = this.#services;
    const opened = narrow(whole.opened, job);
    const { flags } = opened.order;
    this.#tell({ kind: 'sized', job: job.id, size: opened.vms.reduce((sum, vm) => sum + sizeToCopy(vm), 0) });
    const subject = toSubject(opened.order);
    const complain = { terminal: { err: (text: string) => this.#tell({ kind: 'told', text: text.trim() }) } };
    const hooked = { hook: flags.hook, cli: complain, subject, toDocument };
    return await withHook(hooked, () =>
      recordRun(services, subject, {
        signal,
        work: async (run) => {
          using tracker = this.#track(job.id, flags.verify);
          const { budget } = whole.rate;
          const means = { services, tracker, places: whole.places, ...(budget === undefined ? {} : { budget }) };
          const finished = await exportVMs(opened, means, { signal, run });
          return flags.bootProof ? await bootExports(services, finished, { signal }) : finished;
        },
        gain: toGain,
      }),
    );
  }

  #track(job: number, verifyPercent: number): ProgressTracker {
    const display = {
      show: ({ lines, total }: Parameters<ConstructorParameters<typeof ProgressTracker>[0]['show']>[0]) => {
        const progress = total ?? lines[0];
        const stage = lines.find((line) => line.stage !== 'waiting' && line.stage !== 'done')?.stage ?? 'ending';
        if (progress) this.#tell({ kind: 'progressed', job, progress: { ...progress, stage } });
      },
      [Symbol.dispose]: () => undefined,
    };
    return new ProgressTracker(display, { clock: this.#services.clock, verifyPercent });
  }

  /** Opened by the first job of an order, and kept for those that come after or go on. What could not be opened is tried anew. */
  #open(order: JobOrder): Promise<OpenedOrder> {
    const known = this.#orders.get(order.id);
    if (known) return known;
    const opening = this.#openOrder(order);
    this.#orders.set(order.id, opening);
    opening.catch(() => this.#orders.delete(order.id));
    return opening;
  }

  async #openOrder({ line }: JobOrder): Promise<OpenedOrder> {
    const services = this.#services;
    // One job that is halted must not take the session from the others.
    const { signal } = new AbortController();
    const order = await parseExportLine(line);
    const opened = this.#closing.use(await openExport(services, order, { signal, onProblem: () => undefined }));
    const rate = this.#closing.use(keepRate(services.transfer({ workers: order.flags.workers }), order.flags.limitRate, services.clock));
    return { opened, places: openPlaces(order.flags.parallel), rate };
  }
}

/** Of what was opened together the part that is one VM, as if it had been ordered alone. */
function narrow(opened: OpenedExport, { vm }: Job): OpenedExport {
  if (vm === undefined) return opened;
  const { all: _all, match: _match, ...flags } = opened.order.flags;
  return { ...opened, order: { ...opened.order, flags, names: [vm] }, vms: opened.vms.filter(({ id }) => id === vm) };
}

const toDocument = (finished: readonly FinishedExport[]): Readonly<Record<string, unknown>> => ({ exports: finished.map(toExportDocument) });
