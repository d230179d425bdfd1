const SHOWN_MAX = 8;
/** Names differ in their first characters or are not mistaken for each other; comparing costs the square of the length. */
const COMPARED_MAX = 64;

/** What there is, in one line: what is spelled most like `typed` first. */
export function listNearest(names: readonly string[], typed: string): string {
  const ranked = names.map((name) => ({ name, distance: distanceOf(name, typed) })).toSorted((a, b) => a.distance - b.distance);
  const shown = ranked.slice(0, SHOWN_MAX).map(({ name }) => name);
  return shown.join(', ') + (names.length > SHOWN_MAX ? ` and ${names.length - SHOWN_MAX} more` : '');
}

/** The number of characters to insert, remove or replace (Levenshtein), whatever their case. */
function distanceOf(name: string, typed: string): number {
  const [a, b] = [comparable(name), comparable(typed)];
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [above, letter] of a.entries()) {
    const next = [above + 1];
    for (const [at, other] of b.entries()) {
      const [replaced = 0, removed = 0, inserted = 0] = [row[at], row[at + 1], next[at]];
      next.push(Math.min(replaced + (letter === other ? 0 : 1), removed + 1, inserted + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

const comparable = (text: string): readonly string[] => Array.from(text.slice(0, COMPARED_MAX).toLowerCase());
