import { resolve } from 'node:path';
import { toDiskId, type DiskInfo, type VMInfo } from '@hypersdk/domain';
import type { Cancel, RateBudget } from '@hypersdk/ports';
import {
  exportVM,
  nextLinkName,
  runTogether,
  tidyFinished,
  toExportName,
  writeChecksums,
  type ExportOutcome,
  type ExportProgress,
  type Places,
} from '@hypersdk/usecases';
import type { ExportFlags } from '../commands/export.ts';
import { toExportSettings } from '../flags/export-format.ts';
import type { ProgressTracker } from '../progress/progress-tracker.ts';
import type { BegunRun } from '../run-record.ts';
import type { Services } from '../services.ts';
import { tool } from '../tool.ts';
import { chosenDisks } from './check-choice.ts';
import type { FinishedExport } from './describe-export.ts';
import { findFinished } from './find-finished.ts';
import type { OpenedExport } from './open-export.ts';

/** What the exports of a run share. */
export interface SharedMeans {
  readonly services: Services;
  readonly tracker: ProgressTracker;
  readonly places: Places;
  readonly budget?: RateBudget;
}

/** As many VMs at a time as disks may be copied; their disks take turns. */
export async function exportVMs(
  opened: OpenedExport,
  means: SharedMeans,
  o: Cancel & { readonly run: BegunRun },
): Promise<readonly FinishedExport[]> {
  expectDisks(opened, means.tracker);
  return runTogether(opened.vms, { signal: o.signal, width: means.places.count }, (vm, _, { signal }) =>
    exportOne(opened, means, { vm, signal, run: o.run }),
  );
}

/** Makes all disks known before the first starts, so that the whole is known from the beginning. */
export function expectDisks({ vms, order }: OpenedExport, tracker: ProgressTracker): void {
  for (const vm of vms) for (const disk of chosenDisks(vm, order.flags)) tracker.expect(keyOf(order.flags, vm, disk.id), toExpected(vm, disk));
}

async function exportOne(
  { session, encryption, order: { flags } }: OpenedExport,
  { services, tracker, places, budget }: SharedMeans,
  { vm, signal, run }: Cancel & { readonly vm: VMInfo; readonly run: BegunRun },
): Promise<FinishedExport> {
  const target = await services.target(flags.to);
  const startedAt = services.clock.elapsed();
  const { archiver, clock, ids, inspector } = services;
  const signer = await services.signer();
  const ports = { transfer: services.transfer({ workers: flags.workers }), signer, archiver, inspector, clock, ids, target, tool };
  const choices = choicesOf(flags, vm);
  const request = {
    ...choices,
    name: flags.incremental ? await nextLinkName(target, choices.name, { signal }) : choices.name,
    ...(encryption ? { encryption } : {}),
    session,
    vm: vm.id,
    verifyPercent: flags.verify,
    parallel: places,
    ...(budget === undefined ? {} : { rateLimit: budget }),
  };
  const sought = { target, name: request.name, vm, run: run.entry, isLink: flags.incremental ?? false };
  const finished = run.continues && !request.restart ? await findFinished(sought, { signal }) : undefined;
  const name = finished?.manifestName.split('/')[0] ?? request.name;
  const outcome =
    (finished && (await adopt(finished, { name, session, services, flags, tracker, vm, signal }))) ??
    (await exportVM(ports)(request, { signal, onProgress: (progress) => track(tracker, (disk) => keyOf(flags, vm, disk), { vm, progress }) }));
  if (flags.checksums) await writeChecksums(target)(name, outcome.manifest, { signal });
  return { outcome, folder: resolve(flags.to, name), elapsedMs: clock.elapsed() - startedAt, publicKeyPath: services.publicKeyPath };
}

interface Adoption extends Cancel {
  readonly name: string;
  readonly session: OpenedExport['session'];
  readonly services: Services;
  readonly flags: ExportFlags;
  readonly tracker: ProgressTracker;
  readonly vm: VMInfo;
}

/** It is whole, but whoever was killed right behind it left things at the source. */
async function adopt(finished: ExportOutcome, { name, session, services, flags, tracker, vm, signal }: Adoption): Promise<ExportOutcome> {
  for (const disk of chosenDisks(vm, flags)) tracker.done(keyOf(flags, vm, disk.id));
  const target = await services.target(flags.to);
  const ports = { target, effects: () => services.effects(), isRunning: (run: string) => services.runs.isHeld(run) };
  return { ...finished, warnings: [...finished.warnings, ...(await tidyFinished(ports)({ name, session, vm }, { signal }))] };
}

/** What plan and run have in common. */
export const choicesOf = (flags: ExportFlags, vm: VMInfo) => ({
  name: flags.name ?? toExportName(vm.name),
  ...toExportSettings(flags, 'qcow2'),
  overwrite: flags.overwrite ?? false,
  restart: flags.restart ?? false,
  ...(flags.split === undefined ? {} : { volumeSize: flags.split }),
  ...(flags.incremental ? ({ incremental: flags.noFull ? 'required' : 'when-possible' } as const) : {}),
  ...(flags.disk === undefined ? {} : { disks: flags.disk.map(toDiskId) }),
});

function track(
  tracker: ProgressTracker,
  toKey: (disk: string) => string,
  { vm, progress }: { readonly vm: VMInfo; readonly progress: ExportProgress },
): void {
  for (const disk of progress.disks) {
    const key = toKey(disk.id);
    if (disk.progress) tracker.report(key, labelOf(vm, disk.label), disk.progress);
    if (disk.state === 'done') tracker.done(key);
  }
}

/** One disk may go to several targets. */
const keyOf = (flags: ExportFlags, vm: VMInfo, disk: string): string => JSON.stringify([flags.to, vm.connection, vm.id, disk]);
const toExpected = (vm: VMInfo, disk: DiskInfo): Parameters<ProgressTracker['expect']>[1] => ({
  label: labelOf(vm, disk.label),
  ...(disk.allocatedSize === undefined ? {} : { allocatedSize: disk.allocatedSize }),
});
const labelOf = (vm: VMInfo, disk: string): string => (disk.includes(vm.name) ? disk : `${vm.name} ${disk}`);
