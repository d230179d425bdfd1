import { localName, type XmlElement } from '@hypersdk/wire';

// Programs choose their prefixes freely (`ovf:href`, `href`, `ns1:href`), and no two names of the sections that are read differ by prefix alone.

export const child = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find((candidate) => localName(candidate) === name);

export const childrenOf = (element: XmlElement | undefined, name: string): readonly XmlElement[] =>
  element?.children.filter((candidate) => localName(candidate) === name) ?? [];

export function attribute(element: XmlElement | undefined, name: string): string | undefined {
  for (const [key, value] of element?.attributes ?? []) if (key.slice(key.indexOf(':') + 1) === name) return value;
  return undefined;
}

/** Text of a child, without blanks around; undefined when there is none. */
export function textOf(element: XmlElement | undefined, name: string): string | undefined {
  const text = child(element, name)?.text.trim();
  return text === '' ? undefined : text;
}
