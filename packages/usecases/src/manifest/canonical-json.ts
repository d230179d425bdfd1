// RFC 8785, JSON Canonicalization Scheme: one spelling for each value, so that it can be hashed and signed.
import { HyperError } from '@hypersdk/domain';

/** Deeper than any document of ours; keeps the recursion below within any stack. */
const DEPTH_MAX = 64;

/** Members that are undefined are left out, as in JSON.stringify. What JSON cannot say (NaN, a lone surrogate, a bigint) is refused. */
export const canonicalJson = (value: unknown): string => write(value, 0);

function write(value: unknown, depth: number): string {
  if (depth > DEPTH_MAX) throw refused('it is nested too deeply');
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return writeString(value);
  if (typeof value === 'number') return writeNumber(value);
  if (Array.isArray(value)) return `[${value.map((item: unknown) => write(item, depth + 1)).join(',')}]`;
  if (typeof value === 'object') return writeObject(value, depth);
  throw refused(`a ${typeof value} has no spelling in JSON`);
}

/** §3.2.3: members in the order of their names' UTF-16 code units, which is how JavaScript compares strings. */
function writeObject(value: object, depth: number): string {
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${writeString(name)}:${write(member, depth + 1)}`).join(',')}}`;
}

/** §3.2.2.2: the escapes are those of JSON.stringify; text that is not Unicode must not be signed. */
function writeString(text: string): string {
  if (!text.isWellFormed()) throw refused('a text holds half of a surrogate pair');
  return JSON.stringify(text);
}

/** §3.2.2.3: as ECMAScript prints it. */
function writeNumber(value: number): string {
  if (!Number.isFinite(value)) throw refused(`${value} is not a JSON number`);
  return JSON.stringify(value);
}

const refused = (why: string): HyperError => new HyperError('internal/unexpected', `A value cannot be written as canonical JSON: ${why}.`);
