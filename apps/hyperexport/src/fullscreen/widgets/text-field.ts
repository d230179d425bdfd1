import { clip, displayWidth, printable } from '../../output/printable.ts';
import type { Key } from './key.ts';
import { span, type Line } from './line.ts';

/** A line of text that is being typed, divided by the cursor. */
export interface TextField {
  readonly before: string;
  readonly after: string;
}

/** Longer than any path that Linux takes. */
const LENGTH_MAX = 4096;

export const toField = (text: string): TextField => ({ before: text, after: '' });
export const textOf = ({ before, after }: TextField): string => before + after;

/** The field after a key, or undefined when the key is not one for typing. */
export function editField(field: TextField, key: Key): TextField | undefined {
  const { before, after } = field;
  if (key.text !== undefined) return { before: (before + key.text).slice(0, Math.max(before.length, LENGTH_MAX - after.length)), after };
  switch (key.id) {
    case 'backspace':
      return { before: before.slice(0, before.length - lastLetter(before).length), after };
    case 'delete':
      return { before, after: after.slice(firstLetter(after).length) };
    case 'left':
      return { before: before.slice(0, before.length - lastLetter(before).length), after: lastLetter(before) + after };
    case 'right':
      return { before: before + firstLetter(after), after: after.slice(firstLetter(after).length) };
    case 'home':
    case 'ctrl+a':
      return { before: '', after: before + after };
    case 'end':
    case 'ctrl+e':
      return { before: before + after, after: '' };
    case 'ctrl+u':
      return { before: '', after };
    case 'ctrl+w':
      return { before: before.replace(/[^/\s]*[/\s]*$/u, ''), after };
    default:
      return undefined;
  }
}

/** The field in `width` columns with its cursor in sight. */
export function drawField({ before, after }: TextField, width: number): Line {
  const letter = firstLetter(after);
  const under = letter === '' ? ' ' : printable(letter);
  const room = Math.max(1, width - displayWidth(under));
  const left = lastColumns(printable(before), room);
  const right = clip(printable(after.slice(letter.length)), Math.max(0, room - displayWidth(left)));
  return [span(left), span(under, { inverse: true }), span(right)];
}

function lastColumns(text: string, width: number): string {
  let kept = '';
  for (const letter of lettersOf(text).toReversed()) {
    if (displayWidth(letter) + displayWidth(kept) > width) break;
    kept = letter + kept;
  }
  return kept;
}

/** What a person takes for one letter, marks that combine with it included. */
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
const lettersOf = (text: string): readonly string[] => Array.from(segmenter.segment(text), ({ segment }) => segment);
const lastLetter = (text: string): string => lettersOf(text).at(-1) ?? '';
const firstLetter = (text: string): string => lettersOf(text)[0] ?? '';
