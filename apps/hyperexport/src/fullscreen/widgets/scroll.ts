import type { Key } from './key.ts';

interface Place {
  readonly cursor: number;
  readonly count: number;
  /** Rows in sight. */
  readonly rows: number;
}

/** Where a key moves the cursor in a list, or undefined when it is no such key. */
export function moveCursor(key: Key, { cursor, count, rows }: Place): number | undefined {
  const page = Math.max(1, rows - 1);
  const moves: Readonly<Record<string, number>> = {
    up: cursor - 1,
    k: cursor - 1,
    down: cursor + 1,
    j: cursor + 1,
    pageup: cursor - page,
    pagedown: cursor + page,
    home: 0,
    end: count - 1,
  };
  const moved = moves[key.id];
  return moved === undefined ? undefined : clampCursor(moved, count);
}

export const clampCursor = (cursor: number, count: number): number => Math.max(0, Math.min(cursor, count - 1));

/** The first row in sight: the cursor stays in the middle where the list allows it. */
export const firstShown = ({ cursor, count, rows }: Place): number => Math.max(0, Math.min(cursor - Math.floor(rows / 2), count - rows));

/** Of a list the part that is in sight, with the place of each. */
export function inSight<Item>(items: readonly Item[], o: { readonly cursor: number; readonly rows: number }): readonly (readonly [Item, number])[] {
  const first = firstShown({ ...o, count: items.length });
  return items.slice(first, first + Math.max(0, o.rows)).map((item, at) => [item, first + at] as const);
}
