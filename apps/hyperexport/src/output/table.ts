import { displayWidth, pad, printable } from './printable.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

/** Lines of a table whose columns are as wide as their widest cell; the last column is never padded; names in cells are made harmless. Answers nothing for no rows. */
export function formatTable(columns: readonly Column[], cells: readonly (readonly string[])[]): string {
  if (cells.length === 0) return '';
  const rows = cells.map((row) => row.map(printable));
  const titles = columns.map((column) => column.title);
  const widths = columns.map((column, at) => Math.max(displayWidth(column.title), ...rows.map((row) => displayWidth(row[at] ?? ''))));
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, at) => pad(cells[at] ?? '', { width: widths[at] ?? 0, align: column.align ?? 'left' }))
      .join(GAP)
      .trimEnd();
  return `${[line(titles), ...rows.map(line)].join('\n')}\n`;
}

/** `label  value` lines with the values in one column. */
export function formatFields(fields: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(...fields.map(([label]) => displayWidth(printable(label))));
  return fields.map(([label, value]) => `${pad(printable(label), { width, align: 'left' })}${GAP}${printable(value)}\n`).join('');
}
