import { HyperError, type ErrorCode } from '@hypersdk/domain';
import type { z } from 'zod';

/** A document with ten thousand disks is below 10 MiB; more than this is not one of ours. */
export const DOCUMENT_SIZE_MAX = 16 * 1024 * 1024;
/** Our deepest document has five levels. */
const DEPTH_MAX = 32;

interface DocumentKind<T> {
  /** For messages: `export manifest`. */
  readonly what: string;
  readonly code: ErrorCode;
  readonly schema: z.ZodType<T>;
}

/** Reads JSON bytes that anyone may have written: bounded in size and depth before it is parsed, typed by its schema afterwards. `json` is what was parsed, unchanged. */
export function parseDocument<T>(bytes: Uint8Array, kind: DocumentKind<T>): { readonly document: T; readonly json: unknown } {
  const malformed = (why: string, cause?: unknown): HyperError =>
    new HyperError(kind.code, `This is not a valid ${kind.what}: ${why}.`, { cause, detail: { why } });
  if (bytes.length > DOCUMENT_SIZE_MAX) throw malformed(`it has ${bytes.length} bytes, more than ${DOCUMENT_SIZE_MAX}`);
  if (isDeeperThan(bytes, DEPTH_MAX)) throw malformed(`it is nested deeper than ${DEPTH_MAX} levels`);
  const json = readJson(bytes, malformed);
  const result = kind.schema.safeParse(json);
  if (result.success) return { document: result.data, json };
  throw malformed(describeIssue(result.error.issues[0]), result.error);
}

function readJson(bytes: Uint8Array, malformed: (why: string, cause: unknown) => HyperError): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw malformed('it is not JSON in UTF-8', error);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Counts brackets outside strings. In UTF-8 these bytes never occur inside another character. */
function isDeeperThan(bytes: Uint8Array, limit: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (isInString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (OPENING.has(byte)) depth += 1;
    else if (CLOSING.has(byte)) depth -= 1;
    if (depth > limit) return true;
  }
  return false;
}

/** What is wrong and where, as the end of a sentence. */
function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  if (!issue) return 'it does not match its schema';
  const field = fieldName(issue.path);
  return field === '' ? plain(issue.message) : `field ${field}: ${plain(issue.message)}`;
}

const plain = (message: string): string => message.replace(/\.$/, '').slice(0, 300);

/** `disks[0].content.root`, as a person would write it. */
export const fieldName = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((name, part) => (typeof part === 'number' ? `${name}[${part}]` : name === '' ? String(part) : `${name}.${String(part)}`), '');
