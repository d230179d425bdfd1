import type { HistoryEntry } from '@hypersdk/ports';
import type { Key } from '../widgets/key.ts';
import { moveCursor } from '../widgets/scroll.ts';

/** Exports of earlier runs that did not end and can go on. */
export interface UnfinishedState {
  readonly entries: readonly HistoryEntry[];
  readonly cursor: number;
  readonly chosen: ReadonlySet<string>;
}

/** All of them are chosen at first: that is what most who come back want. */
export const openUnfinished = (entries: readonly HistoryEntry[]): UnfinishedState => ({
  entries,
  cursor: 0,
  chosen: new Set(entries.map(({ id }) => id)),
});

export type UnfinishedWish = 'resume' | 'leave' | undefined;

export function reduceUnfinished(state: UnfinishedState, key: Key, o: { readonly rows: number }): readonly [UnfinishedState, UnfinishedWish] {
  const cursor = moveCursor(key, { cursor: state.cursor, count: state.entries.length, rows: o.rows });
  if (cursor !== undefined) return [{ ...state, cursor }, undefined];
  if (key.id === 'escape' || key.id === 'n') return [state, 'leave'];
  if (key.id === 'enter') return [state, state.chosen.size > 0 ? 'resume' : 'leave'];
  const under = state.entries[state.cursor];
  if (key.id === ' ' && under) return [{ ...state, chosen: state.chosen.symmetricDifference(new Set([under.id])) }, undefined];
  if (key.id === 'a') {
    const isAll = state.chosen.size === state.entries.length;
    return [{ ...state, chosen: new Set(isAll ? [] : state.entries.map(({ id }) => id)) }, undefined];
  }
  return [state, undefined];
}

/** What was gone on with is no longer to be offered. */
export const withoutChosen = ({ entries, chosen }: UnfinishedState): UnfinishedState => openUnfinished(entries.filter(({ id }) => !chosen.has(id)));
