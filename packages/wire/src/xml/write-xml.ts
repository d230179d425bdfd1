const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  // §2.11 and §3.3.3: readers turn them into others where they stand as they are.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};
/** XML 1.0, section 2.2: of the control characters only three can be written, and no lone half of a surrogate pair. */
const UNWRITABLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** One element as text, ready to stand in another. Attributes that are undefined are left out; a `RangeError` tells of characters that XML has no way to write. */
export function xml(name: string, attributes: Attributes = {}, ...children: readonly string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => (value === undefined ? '' : ` ${key}="${xmlText(String(value))}"`));
  const head = `<${name}${written.join('')}`;
  return children.length === 0 ? `${head}/>` : `${head}>${children.join('')}</${name}>`;
}

/** Character data. */
export function xmlText(text: string): string {
  if (UNWRITABLE.test(text)) throw new RangeError(`XML cannot hold the text ${JSON.stringify(text.slice(0, 80))}.`);
  return text.replaceAll(/[&<>"'\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}
