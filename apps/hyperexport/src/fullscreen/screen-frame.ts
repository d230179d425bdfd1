import type { BrowseState } from './browse-state.ts';
import type { Canvas } from './list/view-list.ts';

const HEAD_ROWS = 2;
const FOOT_ROWS = 2;

/** The part of the window between the title and the keys. */
export const bodyOf = ({ size, unicode }: Pick<BrowseState, 'size' | 'unicode'>): Canvas => ({
  columns: size.columns,
  rows: Math.max(1, size.rows - HEAD_ROWS - FOOT_ROWS),
  unicode,
});
