import { displayWidth } from '../../output/printable.ts';
import { shellWord } from '../../output/shell-word.ts';
import type { Canvas } from '../list/view-list.ts';
import { EMPTY, fitLine, fitRows, line, span, wrapText, type Line } from '../widgets/line.ts';
import { drawField } from '../widgets/text-field.ts';
import { optionFields, type OptionField } from './option-fields.ts';
import { PROFILE_ROW, type OptionsState } from './options-state.ts';

const LABEL_WIDTH = 34;
/** A command over many VMs is cut: what counts stands in front. */
const COMMAND_ROWS_MAX = 4;

/** The choices for an export, what is wrong with them, and the command that they make. */
export function viewOptions(options: OptionsState, o: Canvas & { readonly exportLine: readonly string[] }): readonly Line[] {
  const rows = [
    viewProfile(options, o.columns),
    ...optionFields.map((field, at) => viewField(options, field, { isUnder: options.cursor === at + 1, columns: o.columns })),
    viewProblem(options, o.columns),
    EMPTY,
    line('The same without this screen:', { dim: true }),
    ...viewCommand(o.exportLine, o.columns),
  ];
  return fitRows(options.saving ? [...rows.slice(0, optionFields.length + 1), EMPTY, saveRow(options, o.columns)] : rows, o.rows);
}

function viewProfile(options: OptionsState, columns: number): Line {
  const isUnder = options.cursor === PROFILE_ROW;
  const shown = options.profile ?? (options.profiles.size === 0 ? 'none is configured; Ctrl-S saves one' : 'none');
  return row('Start from profile', line(isUnder ? `< ${shown} >` : shown), { isUnder, columns });
}

function viewField(options: OptionsState, field: OptionField, o: { readonly isUnder: boolean; readonly columns: number }): Line {
  const value = options.values[field.id];
  const isWrong = options.problem?.field === field.id;
  const shown = value === '' ? `(${field.fallback})` : value;
  const look = isWrong ? ({ color: 'red' } as const) : value === '' ? ({ dim: true } as const) : {};
  const mark = isWrong ? '! ' : '';
  if (!o.isUnder) return row(field.label, [span(mark + shown, look)], o);
  if (field.choices) return row(field.label, [span(`${mark}< ${shown} >`, look)], o);
  const hint = value === '' ? [span(`  ${shown}`, { dim: true })] : [];
  return row(field.label, [span(mark), ...drawField(options.typed, o.columns - LABEL_WIDTH - 6 - hint.length * (shown.length + 2)), ...hint], o);
}

const row = (label: string, value: Line, { isUnder, columns }: { readonly isUnder: boolean; readonly columns: number }): Line => [
  ...fitLine(line(`${isUnder ? '>' : ' '} ${label}`, { bold: isUnder }), LABEL_WIDTH + 2),
  ...fitLine(value, columns - LABEL_WIDTH - 2),
];

function viewProblem({ problem }: OptionsState, columns: number): Line {
  return problem === undefined ? line('  These choices fit.', { color: 'green' }) : fitLine(line(`! ${problem.text}`, { color: 'red' }), columns);
}

const saveRow = (options: OptionsState, columns: number): Line => [
  span('Save as profile: ', { bold: true }),
  ...(options.saving ? drawField(options.saving, columns - 40) : []),
  span('  Enter saves, Esc does not'),
];

/** Rows that a shell takes as one command when they are copied together. */
function viewCommand(exportLine: readonly string[], columns: number): readonly Line[] {
  const rows: string[] = [];
  let row = 'hyperexport';
  for (const word of exportLine.map(shellWord)) {
    if (displayWidth(`${row} ${word}`) <= columns - INDENT.length - CONTINUED.length) {
      row += ` ${word}`;
      continue;
    }
    rows.push(row + CONTINUED);
    row = word;
  }
  const all = [...rows, row].flatMap((text) => wrapText(text, columns - INDENT.length));
  const shown = all.slice(0, COMMAND_ROWS_MAX);
  return shown.map((text, at) => line(`${INDENT}${text}${at === COMMAND_ROWS_MAX - 1 && all.length > shown.length ? ' …' : ''}`));
}
const INDENT = '  ';
const CONTINUED = ' \\';
