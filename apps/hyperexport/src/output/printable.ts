/** Foreign names are data: control and formatting characters of theirs must not steer the terminal or turn the direction of the text. */
export const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ');

// Unicode Standard Annex 11: wide and full-width blocks take two columns; marks that combine take none.
const WIDE =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1FAFF}\u{20000}-\u{3FFFD}]/u;
const COMBINING = /[\p{Mn}\p{Me}]/u;

/** Columns that a terminal gives to text. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const letter of text) width += widthOf(letter);
  return width;
}

/** Cuts text to `width` columns, saying with `…` that it did. */
export function clip(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const letter of text) {
    used += widthOf(letter);
    if (used > width - 1) break;
    kept += letter;
  }
  return width <= 0 ? '' : `${kept}…`;
}

/** Fills up to `width` columns, never cuts. */
export function pad(text: string, o: { readonly width: number; readonly align: 'left' | 'right' }): string {
  const fill = ' '.repeat(Math.max(0, o.width - displayWidth(text)));
  return o.align === 'right' ? fill + text : text + fill;
}

function widthOf(letter: string): number {
  if (COMBINING.test(letter)) return 0;
  return WIDE.test(letter) ? 2 : 1;
}
