import { clip, pad, printable } from '../../output/printable.ts';

export interface ColumnShape {
  readonly width: number;
  readonly align?: 'left' | 'right';
}

const GAP = 1;

/** Cells in columns of fixed width: every row of a table lines up, whatever the names in it are. */
export const toColumns = (cells: readonly string[], shapes: readonly ColumnShape[]): string =>
  shapes
    .map(({ width, align = 'left' }, at) => pad(clip(printable(cells[at] ?? ''), width), { width, align }))
    .join(' '.repeat(GAP))
    .trimEnd();

/** What is left of `total` columns for one more column beside these. */
export const roomBeside = (shapes: readonly ColumnShape[], total: number): number =>
  Math.max(1, total - shapes.reduce((sum, { width }) => sum + width + GAP, 0));
