import type { Cancel } from '@hypersdk/ports';
import { nextLinkName, planExport, type ExportPlan } from '@hypersdk/usecases';
import type { Services } from '../services.ts';
import { choicesOf } from './export-vms.ts';
import type { OpenedExport } from './open-export.ts';

/** What the export of each VM would do. Nothing is written. */
export async function planVMs(
  services: Services,
  { session, vms, encryption, order: { flags } }: OpenedExport,
  o: Cancel,
): Promise<readonly ExportPlan[]> {
  const target = await services.target(flags.to);
  const plans: ExportPlan[] = [];
  for (const vm of vms) {
    const choices = choicesOf(flags, vm);
    const name = flags.incremental ? await nextLinkName(target, choices.name, o) : choices.name;
    const request = {
      ...choices,
      ...(encryption ? { encryption } : {}),
      name,
      session,
      vm: vm.id,
      references: flags.followReferences ? 'beside' : 'refuse',
    } as const;
    const plan = await planExport({ target, inspector: services.inspector })(request, o);
    for (const { virtualSize } of plan.disks) services.checkSettings(request.settings, virtualSize);
    plans.push(plan);
  }
  return plans;
}
