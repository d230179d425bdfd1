/** An element with its content. Names are as they are spelled, prefix included; `text` is the character data directly inside, joined. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

/** The first element that the path of names leads to. */
export function childNamed(element: XmlElement, ...path: readonly string[]): XmlElement | undefined {
  let at: XmlElement | undefined = element;
  for (const name of path) at = at?.children.find((child) => child.name === name);
  return at;
}

export const childrenNamed = (element: XmlElement | undefined, name: string): readonly XmlElement[] =>
  element?.children.filter((child) => child.name === name) ?? [];

/** The name without its prefix. */
export const localName = (element: XmlElement): string => element.name.slice(element.name.indexOf(':') + 1);
