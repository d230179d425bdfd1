import type { BrowseState } from './browse-state.ts';
import type { KeyHint } from './widgets/key-row.ts';

/** Every key of a screen, the most needed first: the row below the screen shows those that fit, the help all. */
export const screenKeys: Readonly<Record<BrowseState['screen'], readonly KeyHint[]>> = {
  list: [
    ['Enter', 'export'],
    ['Space', 'choose'],
    ['/', 'filter'],
    ['m', 'match'],
    ['s', 'sort'],
    ['d', 'details'],
    ['?', 'help'],
    ['q', 'quit'],
    ['a', 'choose all that are shown'],
    ['i', 'choose the others'],
    ['c', 'choose none'],
    ['S', 'sort by the column before'],
    ['r', 'turn the order'],
    ['o', 'open another folder'],
    ['g', 'look again'],
    ['u', 'exports that did not end'],
    ['p', 'exports that go on'],
    ['Esc', 'clear the filter'],
  ],
  options: [
    ['Enter', 'plan'],
    ['Up Down', 'field'],
    ['Left Right', 'change'],
    ['Ctrl-S', 'save as profile'],
    ['Esc', 'back'],
    ['Ctrl-C', 'quit'],
    ['Ctrl-U', 'erase the text before the cursor'],
    ['Ctrl-W', 'erase a part of it'],
  ],
  plan: [
    ['Enter', 'start what is ready'],
    ['Esc', 'back'],
    ['?', 'help'],
    ['q', 'quit'],
  ],
  jobs: [
    ['Space', 'pause, go on'],
    ['c', 'cancel'],
    ['P', 'pause all'],
    ['R', 'all go on'],
    ['Esc', 'list'],
    ['?', 'help'],
    ['q', 'quit'],
    ['r', 'go on, or try again'],
  ],
  unfinished: [
    ['Enter', 'go on with them'],
    ['Space', 'choose'],
    ['a', 'all'],
    ['Esc', 'not now'],
    ['?', 'help'],
    ['q', 'quit'],
  ],
};

export const movementKeys: readonly KeyHint[] = [
  ['Up Down', 'move, as k and j do'],
  ['PgUp PgDn', 'move by a page'],
  ['Home End', 'the first, the last'],
  ['Ctrl-Z', 'sleep; fg wakes it'],
  ['Ctrl-C', 'stop all, quit; twice: now'],
];
