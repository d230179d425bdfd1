import { clip, displayWidth, printable } from '../../output/printable.ts';

export interface Look {
  readonly bold?: boolean;
  readonly dim?: boolean;
  readonly inverse?: boolean;
  readonly color?: 'green' | 'red' | 'yellow' | 'cyan';
}

/** Text of one look. What it says never depends on the look alone: terminals without colour show it too. */
export interface Span extends Look {
  readonly text: string;
}

/** One row of the screen. */
export type Line = readonly Span[];

export const span = (text: string, look: Look = {}): Span => ({ text: printable(text), ...look });
export const line = (text: string, look: Look = {}): Line => [span(text, look)];
export const EMPTY: Line = [];

const widthOf = (row: Line): number => row.reduce((sum, { text }) => sum + displayWidth(text), 0);

/** The row in exactly `width` columns: cut with `…`, or filled with blanks. `look` is laid over all of it. */
export function fitLine(row: Line, width: number, look: Look = {}): Line {
  const kept: Span[] = [];
  let left = width;
  for (const part of row) {
    if (left <= 0) break;
    const text = clip(part.text, left);
    left -= displayWidth(text);
    kept.push({ ...part, text, ...look });
    if (text !== part.text) break;
  }
  return left > 0 ? [...kept, { text: ' '.repeat(left), ...look }] : kept;
}

/** Two texts at both ends of a row; where there is no room for both, the right one stays. */
export function spread(left: Line, right: Line, width: number): Line {
  const rightWidth = Math.min(width, widthOf(right));
  return [...fitLine(left, width - rightWidth), ...fitLine(right, rightWidth)];
}

/** Exactly `count` rows. */
export const fitRows = (rows: readonly Line[], count: number): readonly Line[] =>
  Array.from({ length: Math.max(0, count) }, (_, at) => rows[at] ?? EMPTY);

/** Words in rows of at most `width` columns; a word that is longer is broken. Empty text is one empty row. */
export function wrapText(text: string, width: number): readonly string[] {
  const rows: string[] = [];
  let row = '';
  for (const word of breakWords(printable(text), width)) {
    const joined = row === '' ? word : `${row} ${word}`;
    if (displayWidth(joined) <= width) {
      row = joined;
      continue;
    }
    rows.push(row);
    row = word;
  }
  return [...rows, row];
}

function breakWords(text: string, width: number): readonly string[] {
  return text.split(' ').flatMap((word) => {
    const pieces: string[] = [];
    let piece = '';
    for (const letter of word) {
      if (displayWidth(piece + letter) > width) {
        pieces.push(piece);
        piece = '';
      }
      piece += letter;
    }
    return [...pieces, piece];
  });
}

/** What is on the screen, as text: for tests and for people who debug. */
export const toText = (rows: readonly Line[]): string =>
  rows
    .map((row) =>
      row
        .map(({ text }) => text)
        .join('')
        .trimEnd(),
    )
    .join('\n');
