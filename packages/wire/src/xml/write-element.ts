import { xml, xmlText } from './write-xml.ts';
import type { XmlElement } from './xml-element.ts';

/** What was read, as text again. Between elements, white space is left out; other text between them comes to stand before them, where it was read from. */
export function writeElement({ name, attributes, children, text }: XmlElement): string {
  const isBlank = children.length > 0 && text.trim() === '';
  return xml(name, Object.fromEntries(attributes), ...(isBlank || text === '' ? [] : [xmlText(text)]), ...children.map(writeElement));
}
