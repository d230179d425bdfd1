import { resolve } from 'node:path';
import { toDiskId, type DiskInfo, type VMInfo } from '@hypersdk/domain';
import type { HistoryEntry, ProviderSession } from '@hypersdk/ports';
import { exportVM, planExport, toExportName, type ExportPlan, type ExportProgress } from '@hypersdk/usecases';
import type { CliContext } from '../cli-context.ts';
import type { ExportFlags } from '../commands/export.ts';
import { toImageSettings } from '../flags/image-flags.ts';
import { toArgs } from '../flags/to-args.ts';
import { openFiles } from '../open-files.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { openTracker } from '../progress/open-tracker.ts';
import type { ProgressTracker } from '../progress/progress-tracker.ts';
import { recordRun, type BegunRun } from '../run-record.ts';
import type { Services } from '../services.ts';
import { listenForStop, type Stop } from '../stop.ts';
import { tool } from '../tool.ts';
import { checkChoice, chosenDisks } from './check-choice.ts';
import { chooseVMs } from './choose-vms.ts';
import { describeExport, toExportDocument, type FinishedExport } from './describe-export.ts';
import { describePlan, failsFor } from './describe-plan.ts';
import { findFinished } from './find-finished.ts';

interface Task {
  readonly cli: CliContext;
  readonly services: Services;
  readonly stop: Stop;
  readonly flags: ExportFlags;
  readonly session: ProviderSession;
  readonly vms: readonly VMInfo[];
}

export async function runExport(this: CliContext, flags: ExportFlags, path: string, ...wanted: readonly string[]): Promise<void> {
  const services = await this.services();
  using stop = listenForStop();
  await using session = await openFiles(services, path, { flags, signal: stop.signal });
  const onProblem = (problem: string): void => (flags.quiet ? undefined : this.terminal.err(`hyperexport: left out: ${printable(problem)}\n`));
  const vms = await chooseVMs(session.facets.inventory, wanted, { signal: stop.signal, onProblem });
  checkChoice(vms, flags);
  const task: Task = { cli: this, services, stop, flags, session, vms };
  if (flags.dryRun) return await showPlans(task);

  const resume = toResume(flags, { path, wanted });
  const subject = { command: 'export', source: describeSource(path, wanted), target: resolve(flags.to), resume } as const;
  const { run, finished } = await recordRun(services, subject, {
    signal: stop.signal,
    work: async (run) => ({ run: run.entry, finished: await exportAll(task, run) }),
    gain: ({ finished }) => toGain(finished),
  });
  respond(this, flags, { document: toDocument(run, finished), text: () => finished.map((one) => describeExport(one, this.terminal)).join('\n') });
}

/** VMs one after another: their disks already share the machine. */
async function exportAll(task: Task, run: BegunRun): Promise<readonly FinishedExport[]> {
  const { cli, services, stop, flags, vms } = task;
  using tracker = openTracker(cli.terminal, { flags, clock: services.clock, verifyPercent: flags.verify, stop });
  for (const vm of vms) for (const disk of chosenDisks(vm, flags)) tracker.expect(keyOf(vm, disk.id), toExpected(vm, disk));
  const finished: FinishedExport[] = [];
  for (const vm of vms) finished.push(await exportOne(task, vm, { tracker, run }));
  return finished;
}

async function exportOne(
  task: Task,
  vm: VMInfo,
  { tracker, run }: { readonly tracker: ProgressTracker; readonly run: BegunRun },
): Promise<FinishedExport> {
  const { services, stop, flags, session } = task;
  const target = await services.target(flags.to);
  const startedAt = services.clock.elapsed();
  const ports = {
    transfer: services.transfer({ workers: flags.workers }),
    signer: await services.signer(),
    clock: services.clock,
    ids: services.ids,
    target,
    tool,
  };
  const request = {
    ...choicesOf(flags, vm),
    session,
    vm: vm.id,
    verifyPercent: flags.verify,
    parallel: flags.parallel,
    ...(flags.limitRate === undefined ? {} : { rateLimit: flags.limitRate }),
  };
  const sought = { target, name: request.name, vm, run: run.entry };
  const finished = run.continues && !request.restart ? await findFinished(sought, stop) : undefined;
  if (finished) for (const disk of chosenDisks(vm, flags)) tracker.done(keyOf(vm, disk.id));
  const outcome = finished ?? (await exportVM(ports)(request, { signal: stop.signal, onProgress: (progress) => track(tracker, vm, progress) }));
  return { outcome, folder: resolve(flags.to, request.name), elapsedMs: services.clock.elapsed() - startedAt, publicKeyPath: services.publicKeyPath };
}

async function showPlans(task: Task): Promise<void> {
  const { cli, services, stop, flags, session, vms } = task;
  const target = await services.target(flags.to);
  const plans: ExportPlan[] = [];
  for (const vm of vms) {
    const request = { ...choicesOf(flags, vm), session, vm: vm.id, references: flags.followReferences ? 'beside' : 'refuse' } as const;
    plans.push(await planExport({ target, inspector: services.inspector })(request, stop));
  }
  respond(cli, flags, {
    document: { plans },
    text: () => plans.map((plan) => describePlan(plan, { folder: resolve(flags.to, plan.name), paint: cli.terminal.paint })).join('\n'),
  });
  cli.process.exitCode = failsFor(plans);
}

/** What plan and run have in common. */
const choicesOf = (flags: ExportFlags, vm: VMInfo) => ({
  name: flags.name ?? toExportName(vm.name),
  settings: toImageSettings(flags, 'qcow2'),
  overwrite: flags.overwrite ?? false,
  restart: flags.restart ?? false,
  ...(flags.disk === undefined ? {} : { disks: flags.disk.map(toDiskId) }),
});

function track(tracker: ProgressTracker, vm: VMInfo, progress: ExportProgress): void {
  for (const disk of progress.disks) {
    const key = keyOf(vm, disk.id);
    if (disk.progress) tracker.report(key, labelOf(vm, disk.label), disk.progress);
    if (disk.state === 'done') tracker.done(key);
  }
}

const keyOf = (vm: VMInfo, disk: string): string => JSON.stringify([vm.id, disk]);
const toExpected = (vm: VMInfo, disk: DiskInfo): Parameters<ProgressTracker['expect']>[1] => ({
  label: labelOf(vm, disk.label),
  ...(disk.allocatedSize === undefined ? {} : { allocatedSize: disk.allocatedSize }),
});
const labelOf = (vm: VMInfo, disk: string): string => (disk.includes(vm.name) ? disk : `${vm.name} ${disk}`);

/** The command line that goes on with this run from any folder: the same choices, without what is about the screen or about beginning anew. */
function toResume(flags: ExportFlags, o: { readonly path: string; readonly wanted: readonly string[] }): readonly string[] {
  const { json: _json, quiet: _quiet, plain: _plain, dryRun: _dryRun, restart: _restart, ...choices } = flags;
  return ['export', ...toArgs({ ...choices, to: resolve(flags.to) }), '--', resolve(o.path), ...o.wanted];
}

const describeSource = (path: string, wanted: readonly string[]): string => [resolve(path), ...wanted].join(' ');

function toGain(finished: readonly FinishedExport[]): Pick<HistoryEntry, 'bytes' | 'root'> {
  const disks = finished.flatMap((one) => one.outcome.manifest.disks);
  const [only] = disks;
  return {
    bytes: disks.reduce((sum, disk) => sum + disk.content.virtualSize, 0),
    ...(disks.length === 1 && only ? { root: only.content.root } : {}),
  };
}

const toDocument = (run: HistoryEntry, finished: readonly FinishedExport[]): unknown => ({ run: run.id, exports: finished.map(toExportDocument) });
