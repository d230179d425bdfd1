import type { Draft } from './change.ts';
import { toSlug } from './names.ts';

/** A page under the next free number. `numbers` are the ones taken. */
export function draftAdr(draft: Draft, title: string, numbers: readonly number[]): void {
  if (toSlug(title) === '') throw new Error('The title of a decision is the decision: make new adr="Jobs live in the store".');
  const number = String(Math.max(0, ...numbers) + 1).padStart(4, '0');
  draft.write(
    `docs/adr/${number}-${toSlug(title)}.md`,
    `# ${number} ${title}

## Context
What made a decision necessary, in five lines.

## Decision
What is done, in two.

## Consequences
What it costs us, in three.

## How it is enforced
By which gate or test.
`,
  );
}
