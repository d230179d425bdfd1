import { formatBytes } from '@hypersdk/domain';
import type { ExportPlan } from '@hypersdk/usecases';
import type { Canvas } from '../list/view-list.ts';
import { toColumns } from '../widgets/columns.ts';
import { EMPTY, fitLine, fitRows, line, wrapText, type Line } from '../widgets/line.ts';
import { inSight } from '../widgets/scroll.ts';
import { canStart, needOf, type PlanState } from './plan-state.ts';

/** What would be done, how much room it takes, and what stands against it. */
export function viewPlan(plan: PlanState, canvas: Canvas): readonly Line[] {
  if (plan.state === 'planning') return fitRows([EMPTY, line('  Looking at every disk; nothing is written …')], canvas.rows);
  if (plan.state === 'failed')
    return fitRows([EMPTY, ...wrapText(plan.problem, canvas.columns - 4).map((text) => line(`  ${text}`, { color: 'red' }))], canvas.rows);
  const findings = plan.plans.flatMap(findingsOf);
  const foot = [
    EMPTY,
    ...viewSpace(plan.plans, canvas.columns),
    ...(plan.slowest === undefined ? [] : [line(`  At the rate that is allowed it takes ${plan.slowest} at least.`)]),
  ];
  const findingRows = findings.flatMap(([severity, text]) =>
    wrapText(`${severity}: ${text}`, canvas.columns - 4).map((part, at) =>
      line(`${at === 0 ? '! ' : '  '}${part}`, severity === 'error' ? { color: 'red' } : { color: 'yellow' }),
    ),
  );
  const room = canvas.rows - foot.length - 1;
  const listed = Math.max(3, room - Math.min(findingRows.length, Math.floor(room / 2)));
  const table = inSight(plan.plans, { cursor: plan.cursor, rows: listed }).map(([one, at]) => viewOne(one, at === plan.cursor, canvas.columns));
  return fitRows([head(canvas.columns), ...table, ...findingRows.slice(0, room - table.length), ...foot], canvas.rows);
}

const shapesFor = (columns: number) =>
  [{ width: Math.max(16, columns - 56) }, { width: 5, align: 'right' }, { width: 20 }, { width: 10, align: 'right' }, { width: 10 }] as const;

const head = (columns: number): Line => line(`  ${toColumns(['VM', 'DISKS', 'WHAT', 'UP TO', 'VERDICT'], shapesFor(columns))}`, { bold: true });

function viewOne(plan: ExportPlan, isUnder: boolean, columns: number): Line {
  const cells = [
    plan.vm.name,
    String(plan.disks.length),
    ACTIONS[actionOf(plan)],
    formatBytes(plan.spaceNeeded),
    canStart(plan) ? 'ready' : 'cannot',
  ];
  const row = line(`${isUnder ? '> ' : '  '}${toColumns(cells, shapesFor(columns))}`);
  return isUnder ? fitLine(row, columns, { inverse: true }) : row;
}

const ACTIONS = { copy: 'copy', resume: 'go on with a copy', adopt: 'take finished disks' } as const;
const actionOf = ({ disks }: ExportPlan): keyof typeof ACTIONS => disks.find(({ action }) => action !== 'copy')?.action ?? 'copy';

const findingsOf = ({ vm, findings }: ExportPlan): readonly (readonly [string, string])[] =>
  findings.map(({ severity, summary, detail }) => [severity, `${vm.name}: ${summary}${detail === undefined ? '' : ` ${detail}`}`] as const);

function viewSpace(plans: readonly ExportPlan[], columns: number): readonly Line[] {
  const { needed, free } = needOf(plans);
  const isTight = free !== undefined && needed > free;
  const text = `  ${formatBytes(needed)} at most${free === undefined ? '' : `, ${formatBytes(free)} free there${isTight ? ': it may not be enough' : ''}`}.`;
  return [fitLine(line(text, isTight ? { color: 'yellow' } : { bold: true }), columns)];
}
