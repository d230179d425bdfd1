import { formatBytes } from '@hypersdk/domain';
import type { ExportPlan } from '@hypersdk/usecases';
import { printable } from '../output/printable.ts';
import { formatFields } from '../output/table.ts';
import type { Paint } from './describe-export.ts';

const ACTIONS = { copy: 'copy', resume: 'go on with the kept copy of', adopt: 'take over the finished copy of' } as const satisfies Record<
  ExportPlan['disks'][number]['action'],
  string
>;

/** What a run would do, and what would stop it. */
export function describePlan(plan: ExportPlan, o: Paint & { readonly folder: string }): string {
  return (
    `${o.paint('bold', printable(plan.vm.name))}: nothing is written, this is what would be done\n` +
    formatFields([
      ['folder', o.folder],
      ...plan.disks.map(
        (disk) =>
          [disk.label, `${ACTIONS[disk.action]} ${formatBytes(disk.virtualSize)} to ${disk.file}, up to ${formatBytes(disk.sizeExpected)}`] as const,
      ),
      ['space', `${formatBytes(plan.spaceNeeded)} at most${plan.spaceFree === undefined ? '' : `, ${formatBytes(plan.spaceFree)} free`}`],
      ...plan.findings.map(
        (finding) => [finding.severity, finding.detail === undefined ? finding.summary : `${finding.summary} ${finding.detail}`] as const,
      ),
    ])
  );
}

// A plan that would fail says so to scripts too; the table's code for a target that must change first.
const WOULD_FAIL_EXIT = 75;

export const failsFor = (plans: readonly ExportPlan[]): number =>
  plans.some((plan) => plan.findings.some((finding) => finding.severity === 'error')) ? WOULD_FAIL_EXIT : 0;
