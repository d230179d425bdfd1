import { HyperError } from '@hypersdk/domain';
import type { Cancel, HistoryEntry } from '@hypersdk/ports';
import type { ExportPlan } from '@hypersdk/usecases';
import { choicesOf } from '../export/export-vms.ts';
import type { FinishedExport } from '../export/describe-export.ts';
import { findFinished } from '../export/find-finished.ts';
import { openExport, toSubject, type ExportOrder, type OpenedExport } from '../export/open-export.ts';
import { planVMs } from '../export/plan-vms.ts';
import { HISTORY_MAX } from '../flags/limits.ts';
import { toHyperError } from '../output/error-report.ts';
import { sameWork } from '../run-record.ts';
import type { Services } from '../services.ts';

/** What is to be done about one item. */
export interface PlannedItem {
  readonly index: number;
  readonly order: ExportOrder;
  readonly action: 'export' | 'skip' | 'fail';
  /** Absent when the item cannot even be opened. */
  readonly opened?: OpenedExport;
  readonly plans: readonly ExportPlan[];
  /** What would make it fail. */
  readonly problem?: HyperError;
}

/** Looks up every VM and every place. Sessions that are opened on the way are handed to `stack`. */
export async function planBatch(
  services: Services,
  orders: readonly ExportOrder[],
  o: Cancel & { readonly stack: AsyncDisposableStack; readonly onProblem: (problem: string) => void },
): Promise<readonly PlannedItem[]> {
  const history = await (await services.history()).list({ signal: o.signal, limit: HISTORY_MAX });
  const items: PlannedItem[] = [];
  for (const [index, order] of orders.entries()) items.push(await planItem(services, { index, order, history }, o));
  refuseOneFolder(items);
  return items;
}

async function planItem(
  services: Services,
  { index, order, history }: Pick<PlannedItem, 'index' | 'order'> & { readonly history: readonly HistoryEntry[] },
  o: Parameters<typeof planBatch>[2],
): Promise<PlannedItem> {
  const item = { index, order };
  try {
    const opened = o.stack.use(await openExport(services, order, o));
    if (await isDone(services, opened, { signal: o.signal, history })) return { ...item, opened, action: 'skip', plans: [] };
    const plans = await planVMs(services, opened, o);
    const error = plans.flatMap((plan) => plan.findings).find((finding) => finding.severity === 'error');
    if (!error) return { ...item, opened, action: 'export', plans };
    return { ...item, opened, action: 'fail', plans, problem: new HyperError('batch/refused', error.summary) };
  } catch (thrown) {
    if (o.signal.aborted) throw thrown;
    return { ...item, action: 'fail', plans: [], problem: toHyperError(thrown) };
  }
}

/** The same work succeeded before and its exports are still there. What replaces its export, or adds to it, is meant to be done every time. */
async function isDone(services: Services, { order, vms }: OpenedExport, o: Cancel & { readonly history: readonly HistoryEntry[] }): Promise<boolean> {
  const last = o.history.find((entry) => sameWork(entry, toSubject(order)));
  if (last?.state !== 'succeeded' || order.flags.overwrite || order.flags.incremental) return false;
  const target = await services.target(order.flags.to);
  for (const vm of vms) if (!(await findFinished({ target, name: choicesOf(order.flags, vm).name, vm, run: last, isLink: false }, o))) return false;
  return true;
}

/** Two items that wrote to one folder would each take the other's work for an obstacle. */
function refuseOneFolder(items: readonly PlannedItem[]): void {
  const taken = new Map<string, number>();
  for (const { index, order, opened } of items)
    for (const vm of opened?.vms ?? []) {
      const folder = `${order.flags.to}/${choicesOf(order.flags, vm).name}`;
      const other = taken.get(folder);
      if (other !== undefined)
        throw new HyperError(
          'batch/malformed',
          `items[${other}] and items[${index}] both export to ${folder}; name another target or settings.name.`,
        );
      taken.set(folder, index);
    }
}

export interface EndedItem extends Pick<PlannedItem, 'index' | 'order'> {
  readonly status: 'succeeded' | 'skipped' | 'failed' | 'not-run';
  readonly vms: readonly string[];
  readonly run?: HistoryEntry;
  readonly finished?: readonly FinishedExport[];
  readonly error?: HyperError;
}
