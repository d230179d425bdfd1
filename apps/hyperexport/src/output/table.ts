export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

/** Lines of a table whose columns are as wide as their widest cell; the last column is never padded. Answers nothing for no rows. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const titles = columns.map((column) => column.title);
  const widths = columns.map((column, at) => Math.max(column.title.length, ...rows.map((row) => displayWidth(row[at] ?? ''))));
  const line = (cells: readonly string[]): string =>
    columns
      .map((column, at) => pad(cells[at] ?? '', { width: widths[at] ?? 0, align: column.align ?? 'left' }))
      .join(GAP)
      .trimEnd();
  return `${[line(titles), ...rows.map(line)].join('\n')}\n`;
}

/** `label  value` lines with the values in one column. */
export function formatFields(fields: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(...fields.map(([label]) => label.length));
  return fields.map(([label, value]) => `${label.padEnd(width)}${GAP}${value}\n`).join('');
}

function pad(text: string, o: { readonly width: number; readonly align: 'left' | 'right' }): string {
  const fill = ' '.repeat(Math.max(0, o.width - displayWidth(text)));
  return o.align === 'right' ? fill + text : text + fill;
}

/** Columns that a terminal gives to text: one for each code point, which is right for all but combining and wide characters. */
export const displayWidth = (text: string): number => [...text].length;
