import { formatBytes } from '@hypersdk/domain';
import type { planRestore, restoreExport } from '@hypersdk/usecases';
import { printable } from '../output/printable.ts';
import { formatFields } from '../output/table.ts';
import { formatDuration } from '../progress/format-progress.ts';
import type { Terminal } from '../terminal.ts';

type Plan = Awaited<ReturnType<ReturnType<typeof planRestore>>>;
type Outcome = Awaited<ReturnType<ReturnType<typeof restoreExport>>>;

export interface FinishedRestore {
  readonly run: string;
  readonly outcome: Outcome;
  readonly uri: string;
  readonly elapsedMs: number;
}

const toWarnings = (warnings: readonly string[]): readonly (readonly [string, string])[] =>
  warnings.map((warning) => ['warning', printable(warning)] as const);

export function describeRestore({ outcome, uri, elapsedMs }: FinishedRestore, { paint }: Pick<Terminal, 'paint'>): string {
  const { vm, warnings } = outcome;
  const head = `${paint('green', paint('bold', printable(vm.name)))}: restored and proven\n`;
  return (
    head +
    formatFields([
      ['at', uri],
      ['id', vm.id],
      ['state', vm.powerState === 'running' ? 'running' : 'off'],
      ...disksOf(outcome).flatMap(({ id, content, location }): (readonly [string, string])[] => [
        [printable(id), `${formatBytes(content.virtualSize)} disk at ${printable(location ?? '')}`],
        ['  root', content.root],
      ]),
      ['took', formatDuration(elapsedMs)],
      ...toWarnings(warnings),
    ])
  );
}

/** The hypervisor may list them in another order, and call them otherwise where their bus is another one. */
const disksOf = ({ vm, manifest }: Outcome) =>
  manifest.disks.map(({ id, content }, index) => ({ id, content, location: (vm.disks.find((disk) => disk.id === id) ?? vm.disks[index])?.location }));

/** The same for programs. */
export const toRestoreDocument = ({ run, outcome, uri, elapsedMs }: FinishedRestore): unknown => ({
  run,
  connection: uri,
  exportId: outcome.manifest.exportId,
  vm: outcome.vm,
  disks: disksOf(outcome).map(({ id, content, location }) => ({ id, root: content.root, location })),
  elapsedMs: Math.round(elapsedMs),
  warnings: outcome.warnings,
});

export function describeRestorePlan(plan: Plan, uri: string): string {
  const { name, pool, bytesNeeded, bytesFree, warnings, manifest } = plan;
  const free = bytesFree === undefined ? '' : ` of ${formatBytes(bytesFree)} that are free`;
  return (
    `Would restore ${printable(name)}:\n` +
    formatFields([
      ['at', uri],
      ['export', manifest.exportId],
      ['disks', manifest.disks.map(({ label, content }) => `${printable(label)} (${formatBytes(content.virtualSize)})`).join(', ')],
      ['pool', `${printable(pool)}: ${formatBytes(bytesNeeded)} at most${free}`],
      ...toWarnings(warnings),
    ])
  );
}

export const toRestorePlanDocument = ({ name, pool, bytesNeeded, bytesFree, warnings, manifest }: Plan, uri: string): unknown => ({
  dryRun: true,
  connection: uri,
  exportId: manifest.exportId,
  name,
  pool,
  bytesNeeded,
  bytesFree,
  warnings,
});
