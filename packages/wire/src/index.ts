export { parseXml, XML_LIMITS } from './xml/parse-xml.ts';
export { childNamed, childrenNamed, localName } from './xml/xml-element.ts';
export type { XmlElement } from './xml/xml-element.ts';
