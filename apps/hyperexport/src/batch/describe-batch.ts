import { formatBytes, sizeOfAll } from '@hypersdk/domain';
import { toExportDocument } from '../export/describe-export.ts';
import type { ExportOrder } from '../export/open-export.ts';
import { toErrorDocument } from '../output/error-report.ts';
import { printable } from '../output/printable.ts';
import { formatTable } from '../output/table.ts';
import type { Terminal } from '../terminal.ts';
import type { EndedItem, PlannedItem } from './plan-batch.ts';

type Paint = Pick<Terminal, 'paint'>;

const about = ({ path, flags }: ExportOrder): Readonly<Record<string, unknown>> => ({
  source: path,
  target: flags.to,
  format: flags.format ?? 'qcow2',
});

/** What a batch would do, item by item, for programs. */
export const toPlanDocument = (items: readonly PlannedItem[]): Readonly<Record<string, unknown>> => ({
  valid: items.every((item) => item.action !== 'fail'),
  items: items.map(({ index, order, action, opened, plans, problem }) => ({
    index,
    ...about(order),
    action,
    vms: opened?.vms.map((vm) => vm.name) ?? [],
    plans,
    ...(problem ? toErrorDocument(problem) : {}),
  })),
});

/** The same for people. */
export function describeBatchPlan(items: readonly PlannedItem[], terminal: Paint): string {
  const rows = items.map(({ index, order, action, opened, plans }) => [
    String(index),
    action,
    String(opened?.vms.length ?? ''),
    formatBytes(plans.reduce((sum, plan) => sum + plan.spaceNeeded, 0)),
    order.flags.format ?? 'qcow2',
    `${[order.path, ...order.names, ...(order.flags.match === undefined ? [] : [`(${order.flags.match})`])].join(' ')} → ${order.flags.to}`,
  ]);
  const columns = [
    { title: 'ITEM', align: 'right' },
    { title: 'ACTION' },
    { title: 'VMS', align: 'right' },
    { title: 'UP TO', align: 'right' },
    { title: 'FORMAT' },
    { title: 'SOURCE → TARGET' },
  ] as const;
  const problems = items.flatMap(({ index, problem }) => (problem ? [`items[${index}]: ${printable(problem.message)}\n`] : []));
  return `${terminal.paint('bold', 'Plan')}\n${formatTable(columns, rows)}${problems.join('')}`;
}

/** How each item ended, for programs. */
export const toEndedDocument = (ended: readonly EndedItem[]): Readonly<Record<string, unknown>> => ({
  ok: ended.every(({ status }) => status === 'succeeded' || status === 'skipped'),
  items: ended.map(({ index, order, status, vms, run, finished, error }) => ({
    index,
    ...about(order),
    status,
    vms,
    ...(run ? { run: run.id } : {}),
    ...(finished ? { exports: finished.map(toExportDocument) } : {}),
    ...(error ? toErrorDocument(error) : {}),
  })),
});

/** The same for people: a line for each item, and what went wrong below. */
export function describeEnded(ended: readonly EndedItem[], terminal: Paint): string {
  const rows = ended.map(({ index, order, status, vms, finished = [] }) => [
    String(index),
    status,
    vms.join(', '),
    formatBytes(finished.flatMap(({ outcome }) => outcome.disks).reduce((sum, disk) => sum + sizeOfAll(disk), 0)),
    order.flags.to,
  ]);
  const columns = [
    { title: 'ITEM', align: 'right' },
    { title: 'STATUS' },
    { title: 'VMS' },
    { title: 'WRITTEN', align: 'right' },
    { title: 'TARGET' },
  ] as const;
  const count = (status: EndedItem['status']): number => ended.filter((item) => item.status === status).length;
  const totals = (['succeeded', 'skipped', 'failed', 'not-run'] as const)
    .filter((status) => count(status) > 0)
    .map((status) => `${count(status)} ${status}`);
  const errors = ended.flatMap(({ index, error }) => (error ? [`items[${index}]: ${printable(error.message)} ${error.mend}\n`] : []));
  const isWell = count('failed') + count('not-run') === 0;
  return `${formatTable(columns, rows)}${errors.join('')}${terminal.paint(isWell ? 'green' : 'red', totals.join(', '))}\n`;
}
