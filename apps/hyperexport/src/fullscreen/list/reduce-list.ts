import type { VMId } from '@hypersdk/domain';
import { absolutePlace } from '../../open-files.ts';
import type { Key } from '../widgets/key.ts';
import { moveCursor } from '../widgets/scroll.ts';
import { editField } from '../widgets/text-field.ts';
import { matchesOf, openList, promptOf, promptText, refreshList, type ListState, type Prompt } from './list-state.ts';
import { vmColumns } from './vm-columns.ts';

/** What a key in the list asks of the rest. */
export type ListWish = 'load' | 'next' | undefined;

type Turn = readonly [ListState, ListWish];

/** The list after a key. */
export function reduceList(list: ListState, key: Key, o: { readonly rows: number }): Turn {
  if (list.prompt) return answerPrompt(list, list.prompt, key);
  const cursor = moveCursor(key, { cursor: list.cursor, count: list.shown.length, rows: o.rows });
  if (cursor !== undefined) return [{ ...list, cursor }, undefined];
  if (key.id === 'enter' && list.shown.length > 0) return [list, 'next'];
  if (key.id === 'g') return [openAgain(list, list.source), 'load'];
  return [pressed(list, key), undefined];
}

function pressed(list: ListState, key: Key): ListState {
  switch (key.id) {
    case ' ':
      return toggle(list);
    case 'a':
      return { ...list, chosen: chooseAll(list) };
    case 'i':
      return { ...list, chosen: list.shown.reduce((chosen, { id }) => flip(chosen, id), list.chosen) };
    case 'c':
      return { ...list, chosen: new Set() };
    case 's':
      return refreshList({ ...list, sortBy: nextColumn(list, 1) });
    case 'S':
      return refreshList({ ...list, sortBy: nextColumn(list, -1) });
    case 'r':
      return refreshList({ ...list, descending: !list.descending });
    case 'd':
    case 'tab':
      return { ...list, hasDetails: !list.hasDetails };
    case '/':
      return { ...list, prompt: promptOf('filter', list.filter) };
    case 'm':
      return { ...list, prompt: promptOf('match', '') };
    case 'o':
      return { ...list, prompt: promptOf('source', list.source) };
    case 'escape':
      return refreshList({ ...list, filter: '' });
    default:
      return list;
  }
}

function answerPrompt(list: ListState, prompt: Prompt, key: Key): Turn {
  const { prompt: _closed, ...closed } = list;
  if (key.id === 'escape') return [prompt.kind === 'filter' ? refreshList({ ...closed, filter: '' }) : closed, undefined];
  if (key.id === 'enter') return accept(closed, prompt);
  // The arrows still move through what a filter lets through.
  const cursor = key.id === 'up' || key.id === 'down' ? moveCursor(key, { cursor: list.cursor, count: list.shown.length, rows: 1 }) : undefined;
  if (cursor !== undefined) return [{ ...list, cursor }, undefined];
  const field = editField(prompt.field, key);
  if (!field) return [list, undefined];
  const next = { ...prompt, field };
  return [prompt.kind === 'filter' ? refreshList({ ...list, prompt: next, filter: promptText(next) }) : { ...list, prompt: next }, undefined];
}

function accept(list: ListState, prompt: Prompt): Turn {
  const text = promptText(prompt);
  if (prompt.kind === 'source') return text === '' ? [list, undefined] : [openAgain(list, absolutePlace(text)), 'load'];
  if (prompt.kind === 'filter' || text === '') return [list, undefined];
  const matches = matchesOf(list, text);
  if (typeof matches === 'string') return [{ ...list, prompt: { ...prompt, problem: matches } }, undefined];
  return [{ ...list, chosen: new Set([...list.chosen, ...matches.map(({ id }) => id)]) }, undefined];
}

/** The same folder keeps what was chosen in it. */
const openAgain = (list: ListState, source: string): ListState => ({
  ...openList(source),
  sortBy: list.sortBy,
  descending: list.descending,
  hasDetails: list.hasDetails,
  ...(source === list.source ? { chosen: list.chosen, filter: list.filter, cursor: list.cursor } : {}),
});

function toggle(list: ListState): ListState {
  const under = list.shown[list.cursor];
  if (!under) return list;
  return { ...list, chosen: flip(list.chosen, under.id), cursor: Math.min(list.cursor + 1, list.shown.length - 1) };
}

function flip(chosen: ReadonlySet<VMId>, id: VMId): ReadonlySet<VMId> {
  const next = new Set(chosen);
  if (!next.delete(id)) next.add(id);
  return next;
}

/** All in sight, or none of them where all are chosen already. */
function chooseAll({ shown, chosen }: ListState): ReadonlySet<VMId> {
  const next = new Set(chosen);
  if (shown.every(({ id }) => chosen.has(id))) for (const { id } of shown) next.delete(id);
  else for (const { id } of shown) next.add(id);
  return next;
}

function nextColumn({ sortBy }: ListState, step: 1 | -1): ListState['sortBy'] {
  const at = vmColumns.findIndex(({ id }) => id === sortBy) + step + vmColumns.length;
  return vmColumns[at % vmColumns.length]?.id ?? sortBy;
}
