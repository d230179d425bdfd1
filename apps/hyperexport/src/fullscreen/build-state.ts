import { toConnectionId, toDiskId, toVMId, MIB, type VMInfo } from '@hypersdk/domain';
import { openBrowse, type BrowseEffect, type BrowseEvent, type BrowseState } from './browse-state.ts';
import { reduceBrowse } from './reduce-browse.ts';
import { viewBrowse } from './view-browse.ts';
import type { Key } from './widgets/key.ts';
import { toText } from './widgets/line.ts';

/** A VM with one disk of this many MiB, for tests. */
export const buildVM = (name: string, sizeMib = 64): VMInfo => ({
  id: toVMId(`${name}.raw`),
  name,
  provider: 'files',
  connection: toConnectionId('files:/vms'),
  powerState: 'unknown',
  firmware: 'unknown',
  disks: [
    {
      id: toDiskId('disk 0'),
      label: `${name}.raw`,
      virtualSize: sizeMib * MIB,
      allocatedSize: (sizeMib / 2) * MIB,
      format: 'raw',
      location: `/vms/${name}.raw`,
    },
  ],
  nics: [],
  tags: {},
});

/** A browser whose effects are kept instead of performed. */
export interface Session {
  readonly state: () => BrowseState;
  /** Presses keys by their names; a text in quotes is typed letter by letter. */
  press(...keys: readonly string[]): readonly BrowseEffect[];
  happen(event: BrowseEvent): readonly BrowseEffect[];
  /** What is on the screen. */
  seen(): string;
}

export function openSession(vms: readonly VMInfo[], size = { columns: 80, rows: 24 }): Session {
  let state = openBrowse({ source: '/vms', sourceFlags: [], size, unicode: true });
  const happen = (event: BrowseEvent): readonly BrowseEffect[] => {
    const [next, effects] = reduceBrowse(state, event);
    state = next;
    return effects;
  };
  happen({ kind: 'loaded', source: '/vms', vms, leftOut: [] });
  return {
    state: () => state,
    happen,
    press: (...keys) => keys.flatMap((name) => toPresses(name).flatMap((key) => happen({ kind: 'key', key }))),
    seen: () => toText(viewBrowse(state)),
  };
}

function toPresses(name: string): readonly Key[] {
  if (name.startsWith('"')) return Array.from(name.slice(1, -1), (letter) => ({ id: letter, text: letter }));
  return [name.length === 1 ? { id: name, text: name } : { id: name }];
}
