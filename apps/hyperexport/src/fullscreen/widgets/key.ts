/** One press. `id` is what it is called in tables of keys (`up`, `ctrl+c`, `x`); `text` is there when it can be typed into a field. */
export interface Key {
  readonly id: string;
  readonly text?: string;
}

/** What the terminal library knows of a piece of input: only what cannot be told from the text itself. */
export type KeyFlags = Readonly<Partial<Record<(typeof NAMED)[number][0] | 'ctrl' | 'shift' | 'meta', boolean>>>;

const NAMED = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['leftArrow', 'left'],
  ['rightArrow', 'right'],
  ['pageUp', 'pageup'],
  ['pageDown', 'pagedown'],
  ['home', 'home'],
  ['end', 'end'],
  ['escape', 'escape'],
  ['return', 'enter'],
  ['backspace', 'backspace'],
  ['delete', 'delete'],
  ['tab', 'tab'],
] as const;

// ECMA-48 §5.2: what keyboards send as single control characters.
const CONTROLS: Readonly<Record<string, string>> = { '\r': 'enter', '\n': 'enter', '\t': 'tab', '\u0008': 'backspace', '\u007F': 'backspace' };

/** The presses in a piece of input: whoever types fast, and whoever holds a key, sends several at once. */
export function toKeys(input: string, flags: KeyFlags): readonly Key[] {
  const named = NAMED.find(([flag]) => flags[flag]);
  if (named?.[1] === 'tab' && flags.shift) return [{ id: 'backtab' }];
  if (named) return [{ id: named[1] }];
  if (flags.ctrl) return [{ id: `ctrl+${input}` }];
  // A letter with Alt is nothing that any screen knows.
  if (flags.meta) return [];
  return Array.from(input, toKey);
}

/** Text that was pasted, as one press: line ends and other controls in it are not keys. */
export const toPaste = (text: string): Key => ({ id: 'paste', text: text.replaceAll(/\p{Cc}+/gu, ' ').trim() });

function toKey(letter: string): Key {
  const control = CONTROLS[letter];
  if (control !== undefined) return { id: control };
  const code = letter.codePointAt(0) ?? 0;
  // Ctrl and a letter: 1 to 26.
  if (code < 32) return { id: code >= 1 && code <= 26 ? `ctrl+${String.fromCodePoint(code + 96)}` : 'unknown' };
  return { id: letter, text: letter };
}
