import type { ExportPlan } from '@hypersdk/usecases';
import { printable } from '../output/printable.ts';
import { formatFields } from '../output/table.ts';
import type { Paint } from './describe-export.ts';
import { failsFor } from './describe-plan.ts';

/** Whether the exports could be done as things are, for programs. */
export const toVerdict = (plans: readonly ExportPlan[]): unknown => ({
  valid: failsFor(plans) === 0,
  vms: plans.map(({ vm, name, findings }) => ({ id: vm.id, name: vm.name, folder: name, findings })),
});

/** The same for people: one line when all is well, and what stands against it otherwise. */
export function describeVerdict(plans: readonly ExportPlan[], terminal: Paint): string {
  const findings = plans.flatMap((plan) =>
    plan.findings.map((finding) => [`${printable(plan.vm.name)}: ${finding.severity}`, finding.summary] as const),
  );
  const head =
    failsFor(plans) === 0
      ? terminal.paint('green', `Valid: ${plans.length === 1 ? 'one VM' : `${plans.length} VMs`} can be exported.`)
      : 'Not valid: this would fail.';
  return `${head}\n${findings.length === 0 ? '' : formatFields(findings)}`;
}
