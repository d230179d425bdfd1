import { resolve } from 'node:path';
import { errorTable } from '@hypersdk/domain';
import type { HistoryEntry } from '@hypersdk/ports';
import { openPlaces, requireSpace } from '@hypersdk/usecases';
import { bootExports, hasFailedBoot } from '../boot/boot-exports.ts';
import type { CliContext } from '../cli-context.ts';
import type { ExportFlags } from '../commands/export.ts';
import { toExportSettings } from '../flags/export-format.ts';
import { withHook } from '../hook/with-hook.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { openTracker } from '../progress/open-tracker.ts';
import { keepRate } from '../rate/keep-rate.ts';
import { recordRun } from '../run-record.ts';
import type { Services } from '../services.ts';
import { listenForStop, type Stop } from '../stop.ts';
import { describeExport, toExportDocument, type FinishedExport } from './describe-export.ts';
import { describePlan, failsFor } from './describe-plan.ts';
import { describeVerdict, toVerdict } from './describe-verdict.ts';
import { exportVMs } from './export-vms.ts';
import { openExport, toSubject, type ExportOrder, type OpenedExport } from './open-export.ts';
import { planVMs } from './plan-vms.ts';

interface Task {
  readonly cli: CliContext;
  readonly services: Services;
  readonly stop: Stop;
  readonly order: ExportOrder;
}

interface EndedRun {
  readonly run: HistoryEntry;
  readonly finished: readonly FinishedExport[];
}

export async function runExport(this: CliContext, flags: ExportFlags, path: string, ...names: readonly string[]): Promise<void> {
  const services = await this.services();
  using stop = listenForStop();
  const task: Task = { cli: this, services, stop, order: { path, names, flags } };
  if (flags.dryRun || flags.validateOnly) {
    await using opened = await openAll(task);
    return await showPlans(task, opened);
  }
  const { run, finished } = await withHook({ hook: flags.hook, cli: this, subject: toSubject(task.order), toDocument }, async () => {
    await using opened = await openAll(task);
    return await exportRemembered(task, opened);
  });
  respond(this, flags, {
    document: toDocument({ run, finished }),
    text: () => finished.map((one) => describeExport(one, this.terminal)).join('\n'),
  });
  if (hasFailedBoot(finished)) this.process.exitCode = errorTable['boot/failed'].exit;
}

function openAll({ cli, services, stop, order }: Task): Promise<OpenedExport> {
  const onProblem = (problem: string): void => (order.flags.quiet ? undefined : cli.terminal.err(`hyperexport: left out: ${printable(problem)}\n`));
  return openExport(services, order, { signal: stop.signal, onProblem, terminal: cli.terminal });
}

function exportRemembered({ cli, services, stop, order }: Task, opened: OpenedExport): Promise<EndedRun> {
  const { flags } = order;
  return recordRun(services, toSubject(order), {
    signal: stop.signal,
    work: async (run) => {
      using tracker = openTracker(cli.terminal, { flags, clock: services.clock, verifyPercent: flags.verify, stop });
      using rate = keepRate(services.transfer({ workers: flags.workers }), flags.limitRate, services.clock);
      const places = openPlaces(flags.parallel);
      const means = { services, tracker, places, ...(rate.budget === undefined ? {} : { budget: rate.budget }) };
      if (!run.continues) await requireRoom(services, opened, stop);
      const finished = await exportVMs(opened, means, { signal: stop.signal, run });
      return { run: run.entry, finished: flags.bootProof ? await bootExports(services, finished, stop) : finished };
    },
    gain: ({ finished }) => toGain(finished),
  });
}

/** Of increments nobody knows before how much they will hold. */
async function requireRoom(services: Services, opened: OpenedExport, o: Stop): Promise<void> {
  const { flags } = opened.order;
  if (flags.noSpaceCheck || flags.incremental) return;
  const target = await services.target(flags.to);
  const plans = (await planVMs(services, opened, o)).filter(({ resumes }) => !resumes);
  const needed = plans.reduce((sum, { spaceNeeded }) => sum + spaceNeeded, 0);
  let freed = 0;
  for (const { name } of flags.overwrite ? plans : []) for await (const { size } of target.list(`${name}/`, o)) freed += size;
  await requireSpace(target, { needed, freed, settings: toExportSettings(flags, 'qcow2').settings }, o);
}

async function showPlans({ cli, services, stop, order: { flags } }: Task, opened: OpenedExport): Promise<void> {
  const plans = await planVMs(services, opened, stop);
  if (flags.validateOnly) respond(cli, flags, { document: toVerdict(plans), text: () => describeVerdict(plans, cli.terminal) });
  else
    respond(cli, flags, {
      document: { plans },
      text: () => plans.map((plan) => describePlan(plan, { folder: resolve(flags.to, plan.name), paint: cli.terminal.paint })).join('\n'),
    });
  cli.process.exitCode = failsFor(plans);
}

/** What the history keeps of exports that ended well. */
export function toGain(finished: readonly FinishedExport[]): Pick<HistoryEntry, 'bytes' | 'root' | 'vms'> {
  const disks = finished.flatMap((one) => one.outcome.manifest.disks);
  const [only] = disks;
  return {
    vms: finished.map((one) => one.outcome.manifest.vm.name),
    bytes: disks.reduce((sum, disk) => sum + disk.content.virtualSize, 0),
    ...(disks.length === 1 && only ? { root: only.content.root } : {}),
  };
}

const toDocument = ({ run, finished }: EndedRun): Readonly<Record<string, unknown>> => ({ run: run.id, exports: finished.map(toExportDocument) });
