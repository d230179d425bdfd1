// lvm.conf(5), "SYNTAX": sections in braces, assignments of numbers, strings and lists. LVM writes its metadata in the same language.
import { damaged } from '../damaged.ts';

export type MetadataValue = string | number | readonly (string | number)[] | MetadataSection;
export interface MetadataSection extends ReadonlyMap<string, MetadataValue> {}

/** A group of 1,000 logical volumes has 40,000. */
const TOKENS_MAX = 200_000;
/** A segment lies four sections deep. */
const DEPTH_MAX = 8;
const TOKEN = /\s+|#[^\n]*|"((?:[^"\\]|\\.)*)"|([-+]?\d+(?:\.\d+)?)|([A-Za-z_0-9.+-]+)|([={}[\],])/y;

interface Token {
  readonly kind: 'string' | 'number' | 'name' | 'mark';
  readonly text: string;
}

export function parseMetadataText(text: string): MetadataSection {
  const tokens = tokensOf(text.replace(/\0[^]*$/, ''));
  const section = parseSection(tokens, 0);
  if (!tokens.next().done) throw damaged('the LVM metadata end in the middle');
  return section;
}

function* tokensOf(text: string): Generator<Token> {
  const pattern = new RegExp(TOKEN);
  for (let count = 0; pattern.lastIndex < text.length; count += 1) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (!match || count > TOKENS_MAX) throw damaged(`the LVM metadata make no sense at byte ${at} of their text`);
    const [, string, number, name, mark] = match;
    if (string !== undefined) yield { kind: 'string', text: string.replaceAll(/\\(.)/g, '$1') };
    else if (number !== undefined) yield { kind: 'number', text: number };
    else if (name !== undefined) yield { kind: 'name', text: name };
    else if (mark !== undefined) yield { kind: 'mark', text: mark };
  }
}

function take(tokens: Generator<Token>): Token | undefined {
  const next = tokens.next();
  return next.done ? undefined : next.value;
}

/** Reads assignments and sections up to a closing brace, or to the end at the top. */
function parseSection(tokens: Generator<Token>, depth: number): MetadataSection {
  if (depth > DEPTH_MAX) throw damaged('the LVM metadata are nested too deep');
  const section = new Map<string, MetadataValue>();
  for (let token = take(tokens); token; token = take(tokens)) {
    if (token.text === '}' && depth > 0) return section;
    const mark = take(tokens);
    if (token.kind === 'mark' || mark?.kind !== 'mark')
      throw damaged('the LVM metadata hold neither a section nor an assignment where one should be');
    if (mark.text === '{') section.set(token.text, parseSection(tokens, depth + 1));
    else if (mark.text === '=') section.set(token.text, parseValue(tokens));
    else throw damaged(`the LVM metadata have "${mark.text}" in the wrong place`);
  }
  if (depth > 0) throw damaged('the LVM metadata end in the middle');
  return section;
}

function parseValue(tokens: Generator<Token>): MetadataValue {
  const first = take(tokens);
  if (first?.text !== '[' || first.kind !== 'mark') return toScalar(first);
  const list: (string | number)[] = [];
  for (let token = take(tokens); token; token = take(tokens)) {
    if (token.kind !== 'mark') list.push(toScalar(token));
    else if (token.text === ']') return list;
    else if (token.text !== ',') throw damaged('a list in the LVM metadata is not one');
  }
  throw damaged('the LVM metadata end in the middle');
}

function toScalar(token: Token | undefined): string | number {
  if (!token || token.kind === 'mark') throw damaged('a value is missing in the LVM metadata');
  return token.kind === 'number' ? Number(token.text) : token.text;
}
