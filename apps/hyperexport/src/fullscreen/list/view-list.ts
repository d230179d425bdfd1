import { formatBytes, type VMInfo } from '@hypersdk/domain';
import { roomBeside, toColumns } from '../widgets/columns.ts';
import { EMPTY, fitLine, fitRows, line, span, type Line } from '../widgets/line.ts';
import { firstShown, inSight } from '../widgets/scroll.ts';
import { drawField } from '../widgets/text-field.ts';
import { matchesOf, promptText, subjectsOf, type ListState, type Prompt } from './list-state.ts';
import { viewDetails } from './view-details.ts';
import { vmColumns } from './vm-columns.ts';

export interface Canvas {
  readonly columns: number;
  readonly rows: number;
  readonly unicode: boolean;
}

/** Beside the list from this width on; below that the details take the lower half. */
const BESIDE_FROM = 110;
const DETAILS_WIDTH = 46;

/** Rows that the VMs have on a canvas: what a page is. */
export const listRows = (list: ListState, canvas: Canvas): number =>
  Math.max(1, (list.hasDetails && canvas.columns < BESIDE_FROM ? Math.floor(canvas.rows / 2) : canvas.rows) - HEAD_ROWS - FOOT_ROWS);
const HEAD_ROWS = 1;
const FOOT_ROWS = 1;

/** The list of VMs, with the details of one beside or below it. */
export function viewList(list: ListState, canvas: Canvas): readonly Line[] {
  if (!list.hasDetails) return viewTable(list, canvas);
  if (canvas.columns < BESIDE_FROM) {
    const top = viewTable(list, { ...canvas, rows: listRows(list, canvas) + HEAD_ROWS + FOOT_ROWS });
    const details = viewDetails(list, canvas.columns);
    return fitRows(
      [
        ...top.slice(0, -1),
        line('─'.repeat(canvas.unicode ? canvas.columns : 0)),
        ...fitRows(details, canvas.rows - top.length - 1),
        ...top.slice(-1),
      ],
      canvas.rows,
    );
  }
  const width = canvas.columns - DETAILS_WIDTH - 3;
  const left = viewTable(list, { ...canvas, columns: width });
  const right = fitRows(viewDetails(list, DETAILS_WIDTH), canvas.rows - FOOT_ROWS);
  const bar = span(canvas.unicode ? ' │ ' : ' | ');
  return left.map((row, at) => (at < canvas.rows - FOOT_ROWS ? [...fitLine(row, width), bar, ...(right[at] ?? EMPTY)] : row));
}

function viewTable(list: ListState, canvas: Canvas): readonly Line[] {
  const rows = canvas.rows - HEAD_ROWS - FOOT_ROWS;
  const shapes = toShapes(canvas.columns);
  const body =
    list.shown.length === 0
      ? emptyList(list, canvas.columns)
      : inSight(list.shown, { cursor: list.cursor, rows }).map(([vm, at]) => viewVM(list, vm, { at, shapes, columns: canvas.columns }));
  return [viewHead(list, shapes, canvas), ...fitRows(body, rows), viewFoot(list, canvas)];
}

type Shape = ReturnType<typeof toShapes>[number];

/** The columns that fit, the name as wide as they leave it. */
function toShapes(columns: number) {
  const room = columns - MARKS.length;
  const [name, ...others] = vmColumns;
  const kept = others.filter((_, at) => roomBeside(others.slice(0, at + 1), room) >= NAME_MIN);
  return [{ ...name, width: roomBeside(kept, room) }, ...kept];
}
const MARKS = '> [x] ';
const NAME_MIN = 16;

const ARROWS = { up: '▲', down: '▼' } as const;
const PLAIN_ARROWS = { up: '^', down: 'v' } as const;

function viewHead(list: ListState, shapes: readonly Shape[], { columns, unicode }: Canvas): Line {
  const arrow = (unicode ? ARROWS : PLAIN_ARROWS)[list.descending ? 'down' : 'up'];
  const titles = shapes.map(({ id, title }) => (id === list.sortBy ? `${title}${arrow}` : title));
  return fitLine(line(' '.repeat(MARKS.length) + toColumns(titles, shapes)), columns, { bold: true });
}

function viewVM(list: ListState, vm: VMInfo, o: { readonly at: number; readonly shapes: readonly Shape[]; readonly columns: number }): Line {
  const isUnder = o.at === list.cursor;
  const marks = `${isUnder ? '>' : ' '} ${list.chosen.has(vm.id) ? '[x]' : '[ ]'} `;
  const row = line(
    marks +
      toColumns(
        o.shapes.map((column) => column.text(vm)),
        o.shapes,
      ),
  );
  return isUnder ? fitLine(row, o.columns, { inverse: true }) : row;
}

function emptyList(list: ListState, columns: number): readonly Line[] {
  if (list.isLoading) return [EMPTY, line('  Looking …')];
  if (list.problem !== undefined) return [EMPTY, fitLine(line(`  ${list.problem}`, { color: 'red' }), columns), line('  Press o to look elsewhere.')];
  return [EMPTY, line(list.filter === '' ? '  There is no VM here. Press o to look elsewhere.' : '  No VM matches the filter. Esc clears it.')];
}

function viewFoot(list: ListState, canvas: Canvas): Line {
  if (list.prompt) return viewPrompt(list, list.prompt, canvas.columns);
  const subjects = subjectsOf(list);
  const size = subjects.reduce((sum, vm) => sum + vm.disks.reduce((all, disk) => all + disk.virtualSize, 0), 0);
  const page = { cursor: list.cursor, count: list.shown.length, rows: canvas.rows - HEAD_ROWS - FOOT_ROWS };
  const parts = [
    ...(list.shown.length > page.rows ? [`${firstShown(page) + 1}-${Math.min(page.count, firstShown(page) + page.rows)} of ${page.count}`] : []),
    list.chosen.size > 0 ? `${list.chosen.size} chosen, ${formatBytes(size)}` : 'none chosen: Enter takes the one under the cursor',
    ...(list.filter === '' ? [] : [`filter "${list.filter}"`]),
    ...(list.leftOut.length > 0 ? [`${list.leftOut.length} left out (?)`] : []),
  ];
  return line(`  ${parts.join(', ')}`, { dim: true });
}

const PROMPTS: Readonly<Record<Prompt['kind'], string>> = {
  filter: 'Filter: ',
  match: 'Choose what matches: ',
  source: 'Folder, image or connection: ',
};

function viewPrompt(list: ListState, prompt: Prompt, columns: number): Line {
  const label = PROMPTS[prompt.kind];
  const told = tellPrompt(list, prompt);
  const room = Math.max(8, columns - label.length - told.length - 3);
  return [span(label, { bold: true }), ...drawField(prompt.field, room), span(`  ${told}`)];
}

function tellPrompt(list: ListState, prompt: Prompt): string {
  if (prompt.kind === 'source') return '';
  if (prompt.kind === 'filter') return `${list.shown.length} of ${list.vms.length}`;
  if (promptText(prompt) === '') return 'regular expression';
  const matches = matchesOf(list, promptText(prompt));
  return typeof matches === 'string' ? matches : `${matches.length} match`;
}
