import type { GuestLook, ImageInfo, VMId, VMInfo } from '@hypersdk/domain';
import { clampCursor } from '../widgets/scroll.ts';
import { textOf, toField, type TextField } from '../widgets/text-field.ts';
import { sortVMs, type VMColumnId } from './vm-columns.ts';

/** What is known of one disk beyond the list: read only when someone looks. */
export interface DiskLook {
  readonly label: string;
  readonly about?: ImageInfo;
  readonly guest?: GuestLook;
  readonly problem?: string;
}

/** What is being typed below the list. */
export interface Prompt {
  readonly kind: 'filter' | 'match' | 'source';
  readonly field: TextField;
  readonly problem?: string;
}

export interface ListState {
  readonly source: string;
  readonly isLoading: boolean;
  readonly problem?: string;
  /** What the source shows and nobody understands. */
  readonly leftOut: readonly string[];
  readonly vms: readonly VMInfo[];
  /** The VMs that the filter lets through, in order. Kept, because sorting thousands at each press would be felt. */
  readonly shown: readonly VMInfo[];
  readonly filter: string;
  readonly sortBy: VMColumnId;
  readonly descending: boolean;
  readonly cursor: number;
  readonly chosen: ReadonlySet<VMId>;
  readonly hasDetails: boolean;
  readonly looks: ReadonlyMap<VMId, readonly DiskLook[] | 'looking'>;
  readonly prompt?: Prompt;
}

export const openList = (source: string): ListState => ({
  source,
  isLoading: true,
  leftOut: [],
  vms: [],
  shown: [],
  filter: '',
  sortBy: 'name',
  descending: false,
  cursor: 0,
  chosen: new Set(),
  hasDetails: false,
  looks: new Map(),
});

/** The list with its order and filter applied anew; the cursor stays on its VM where that is still in sight. */
export function refreshList(list: ListState): ListState {
  const under = list.shown[list.cursor]?.id;
  const words = list.filter.toLowerCase();
  const matching = words === '' ? list.vms : list.vms.filter(({ name }) => name.toLowerCase().includes(words));
  const shown = sortVMs(matching, { by: list.sortBy, descending: list.descending });
  const kept = shown.findIndex(({ id }) => id === under);
  return { ...list, shown, cursor: kept === -1 ? clampCursor(list.cursor, shown.length) : kept };
}

/** What an export would be of: the chosen VMs, or the one under the cursor where none is. */
export function subjectsOf({ vms, shown, chosen, cursor }: ListState): readonly VMInfo[] {
  if (chosen.size > 0) return vms.filter(({ id }) => chosen.has(id));
  const under = shown[cursor];
  return under ? [under] : [];
}

/** The VMs whose names match what is typed as a pattern; a sentence when it is none. */
export function matchesOf(list: ListState, pattern: string): readonly VMInfo[] | string {
  if (pattern.length > PATTERN_LENGTH_MAX) return `A pattern has up to ${PATTERN_LENGTH_MAX} characters.`;
  try {
    const expression = new RegExp(pattern, 'iu');
    return list.shown.filter(({ name }) => expression.test(name.slice(0, NAME_LENGTH_MAX)));
  } catch {
    return 'This is not a regular expression yet.';
  }
}

/** Patterns run over hostile names at every press: both are kept short. */
const PATTERN_LENGTH_MAX = 256;
const NAME_LENGTH_MAX = 1024;

export const promptOf = (kind: Prompt['kind'], text: string): Prompt => ({ kind, field: toField(text) });
export const promptText = ({ field }: Prompt): string => textOf(field);
