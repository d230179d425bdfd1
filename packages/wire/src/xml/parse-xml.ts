// Extensible Markup Language (XML) 1.0, fifth edition: a reader for the part of it that protocols and descriptors use.
import { HyperError } from '@hypersdk/domain';
import type { XmlElement } from './xml-element.ts';

/** What no honest document of a hypervisor comes near, and what keeps a hostile one cheap. */
export const XML_LIMITS = {
  characters: 4 * 1024 * 1024,
  depth: 64,
  elements: 50_000,
  /** On one element. */
  attributes: 64,
  nameLength: 256,
  /** Character data of one element. */
  text: 1024 * 1024,
  /** Each costs more than a plain character. */
  references: 10_000,
} as const;

// §2.3, productions 4 and 4a.
const NAME_START =
  ':A-Z_a-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD\\u{10000}-\\u{EFFFF}';
const NAME = `[${NAME_START}][${NAME_START}\\-.0-9\\u00B7\\u0300-\\u036F\\u203F\\u2040]*`;
const START_TAG = new RegExp(`<(${NAME})`, 'uy');
const ATTRIBUTE = new RegExp(`[ \\t\\n]+(${NAME})[ \\t\\n]*=[ \\t\\n]*(?:"([^"<]*)"|'([^'<]*)')`, 'uy');
const TAG_END = /[ \t\n]*(\/?)>/y;
const END_TAG = new RegExp(`</(${NAME})[ \\t\\n]*>`, 'uy');
/** §2.8, production 23; the names in it are checked, their values only for the encoding. */
const DECLARATION =
  /<\?xml[ \t\n]+version[ \t\n]*=[ \t\n]*["']1\.\d["'](?:[ \t\n]+encoding[ \t\n]*=[ \t\n]*["']([A-Za-z0-9._-]{1,40})["'])?(?:[ \t\n]+standalone[ \t\n]*=[ \t\n]*["'](?:yes|no)["'])?[ \t\n]*\?>/y;
/** §2.2: what no document may contain, written out or by reference. */
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/;
const REFERENCE = /&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|(lt|gt|amp|quot|apos));/y;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

interface OpenElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  readonly pieces: string[];
  length: number;
}

/**
 * Reads a document into its root element. Well-formedness is checked; a document type and processing instructions are refused, so that no entity
 * is ever defined and no file or address ever followed. Takes time in proportion to the text, and fails with `document/malformed`.
 */
export function parseXml(text: string): XmlElement {
  if (text.length > XML_LIMITS.characters) throw malformed(`it is longer than ${XML_LIMITS.characters} characters`);
  if (!text.isWellFormed() || FORBIDDEN.test(text)) throw malformed('it has characters that XML does not allow');
  // §2.11: line ends are read as line feeds.
  return new DocumentReader(text.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n')).read();
}

class DocumentReader {
  readonly #text: string;
  readonly #open: OpenElement[] = [];
  #at = 0;
  #elements = 0;
  #references = 0;
  #root: XmlElement | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  read(): XmlElement {
    this.#readDeclaration();
    while (this.#at < this.#text.length) {
      const next = this.#text.indexOf('<', this.#at);
      const end = next < 0 ? this.#text.length : next;
      if (end > this.#at) this.#readText(this.#text.slice(this.#at, end));
      this.#at = end;
      if (next >= 0) this.#readMarkup();
    }
    const unclosed = this.#open.at(-1);
    if (unclosed) throw this.#refuse(`element ${unclosed.name} is not closed`);
    if (!this.#root) throw this.#refuse('it has no element');
    return this.#root;
  }

  #readDeclaration(): void {
    if (!/^<\?xml[ \t\n]/.test(this.#text)) return;
    const match = this.#take(DECLARATION);
    if (!match) throw this.#refuse('its XML declaration is not right');
    // The text was decoded as UTF-8 by whoever read it; another claim would mean that it was decoded wrongly.
    if (!/^(utf-8|us-ascii)$/i.test(match[1] ?? 'utf-8')) throw this.#refuse(`its encoding ${match[1]} is not UTF-8`);
  }

  #readMarkup(): void {
    if (this.#text.startsWith('<!--', this.#at)) return this.#readComment();
    if (this.#text.startsWith('<![CDATA[', this.#at)) return this.#readCharacterSection();
    if (this.#text.startsWith('<!', this.#at)) throw this.#refuse('it has a document type, which is not read');
    if (this.#text.startsWith('<?', this.#at)) throw this.#refuse('it has a processing instruction, which is not read');
    if (this.#text.startsWith('</', this.#at)) return this.#readEndTag();
    return this.#readStartTag();
  }

  #readComment(): void {
    const end = this.#text.indexOf('--', this.#at + 4);
    if (end < 0 || this.#text[end + 2] !== '>') throw this.#refuse('a comment is not closed');
    this.#at = end + 3;
  }

  #readCharacterSection(): void {
    const end = this.#text.indexOf(']]>', this.#at);
    const element = this.#open.at(-1);
    if (end < 0 || !element) throw this.#refuse('a CDATA section is not closed or stands outside of the root element');
    this.#append(element, this.#text.slice(this.#at + '<![CDATA['.length, end));
    this.#at = end + 3;
  }

  #readStartTag(): void {
    const name = this.#take(START_TAG)?.[1];
    if (name === undefined) throw this.#refuse('a "<" does not begin a tag');
    if (this.#root && this.#open.length === 0) throw this.#refuse('it has a second root element');
    this.#elements += 1;
    if (this.#elements > XML_LIMITS.elements) throw this.#refuse(`it has more than ${XML_LIMITS.elements} elements`);
    if (this.#open.length >= XML_LIMITS.depth) throw this.#refuse(`its elements are nested deeper than ${XML_LIMITS.depth}`);

    const element: OpenElement = { name: this.#checkName(name), attributes: this.#readAttributes(), children: [], pieces: [], length: 0 };
    const end = this.#take(TAG_END);
    if (!end) throw this.#refuse(`the tag of element ${element.name} is not right`);
    this.#open.push(element);
    if (end[1] === '/') this.#close();
  }

  #readAttributes(): ReadonlyMap<string, string> {
    const attributes = new Map<string, string>();
    for (let match = this.#take(ATTRIBUTE); match; match = this.#take(ATTRIBUTE)) {
      const name = this.#checkName(match[1] ?? '');
      if (attributes.has(name)) throw this.#refuse(`attribute ${name} is there twice`);
      if (attributes.size >= XML_LIMITS.attributes) throw this.#refuse(`an element has more than ${XML_LIMITS.attributes} attributes`);
      // §3.3.3: white space in a value is read as spaces.
      attributes.set(name, this.#resolve((match[2] ?? match[3] ?? '').replaceAll(/[\t\n]/g, ' ')));
    }
    return attributes;
  }

  #readEndTag(): void {
    const name = this.#take(END_TAG)?.[1];
    if (name === undefined || name !== this.#open.at(-1)?.name) throw this.#refuse('an end tag does not match its start tag');
    this.#close();
  }

  #close(): void {
    const closed = this.#open.pop();
    if (!closed) return;
    const element = { name: closed.name, attributes: closed.attributes, children: closed.children, text: closed.pieces.join('') };
    const parent = this.#open.at(-1);
    if (parent) parent.children.push(element);
    if (!parent) this.#root = element;
  }

  #readText(text: string): void {
    const element = this.#open.at(-1);
    if (element) {
      if (text.includes(']]>')) throw this.#refuse('"]]>" stands outside of a CDATA section');
      return this.#append(element, this.#resolve(text));
    }
    if (/[^ \t\n]/.test(text)) throw this.#refuse('it has text outside of its root element');
  }

  #append(element: OpenElement, text: string): void {
    element.length += text.length;
    if (element.length > XML_LIMITS.text) throw this.#refuse(`element ${element.name} has more than ${XML_LIMITS.text} characters of text`);
    element.pieces.push(text);
  }

  /** §4.6 and §4.1: the five entities that need no definition, and characters by number. */
  #resolve(text: string): string {
    let at = text.indexOf('&');
    if (at < 0) return text;
    const pieces: string[] = [];
    let done = 0;
    // Step by step, because a replacement over the whole text collects every match before the first of them is counted.
    for (; at >= 0; at = text.indexOf('&', done)) {
      this.#references += 1;
      if (this.#references > XML_LIMITS.references) throw this.#refuse(`it has more than ${XML_LIMITS.references} references`);
      REFERENCE.lastIndex = at;
      const match = REFERENCE.exec(text);
      if (!match) throw this.#refuse('an entity is not one of the five that need no definition');
      pieces.push(text.slice(done, at), this.#toText(match));
      done = REFERENCE.lastIndex;
    }
    return pieces.join('') + text.slice(done);
  }

  #toText([whole, hexadecimal, decimal, entity]: RegExpExecArray): string {
    if (entity !== undefined) return ENTITIES[entity] ?? '';
    const character = toCharacter(hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16));
    if (character === undefined) throw this.#refuse(`${whole} is not a character`);
    return character;
  }

  #checkName(name: string): string {
    if (name.length > XML_LIMITS.nameLength) throw this.#refuse(`a name is longer than ${XML_LIMITS.nameLength} characters`);
    return name;
  }

  /** Matches at the place where the reader stands, and moves behind the match. */
  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text) ?? undefined;
    if (match) this.#at = pattern.lastIndex;
    return match;
  }

  #refuse(why: string): HyperError {
    const line = this.#text.slice(0, this.#at).split('\n').length;
    return malformed(`${why} (line ${line})`, line);
  }
}

function toCharacter(code: number): string | undefined {
  if (!(code > 0 && code <= 0x10ffff)) return undefined;
  const character = String.fromCodePoint(code);
  return character.isWellFormed() && !FORBIDDEN.test(character) ? character : undefined;
}

const malformed = (why: string, line?: number): HyperError =>
  new HyperError('document/malformed', `This XML is refused: ${why}.`, { detail: { why, ...(line === undefined ? {} : { line }) } });
