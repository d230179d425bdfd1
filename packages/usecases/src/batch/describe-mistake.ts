import type { z } from 'zod';

/** A mistake in a batch: the place of the field, and the rest of a sentence that begins with its name. */
export interface BatchMistake {
  readonly path: readonly PropertyKey[];
  readonly what: string;
}

interface Schema {
  /** Fields that may stand at a place. */
  readonly fieldsAt: (path: readonly PropertyKey[]) => readonly string[];
  readonly document: unknown;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a group of fields',
  array: 'a list',
};

/** What is wrong, what was expected, and how the field is named, in the words of the description. */
export function describeMistake(issue: z.core.$ZodIssue, { fieldsAt, document }: Schema): BatchMistake {
  const { path } = issue;
  const found = valueAt(document, path);
  const not = found === undefined ? '' : `, not ${shown(found)}`;
  switch (issue.code) {
    case 'unrecognized_keys': {
      const [key = ''] = issue.keys;
      return { path: [...path, key], what: `is not known there; ${oneOf(fieldsAt(path))} can stand there` };
    }
    case 'invalid_type':
      if (found === undefined) return { path, what: `is missing; it has to be ${TYPES[issue.expected] ?? issue.expected}` };
      return { path, what: `has to be ${TYPES[issue.expected] ?? issue.expected}${not}` };
    case 'invalid_value':
      return { path, what: `has to be ${oneOf(issue.values.map(String))}${not}` };
    case 'too_small':
      return { path, what: issue.origin === 'number' || issue.origin === 'int' ? `has to be at least ${issue.minimum}${not}` : 'must not be empty' };
    case 'too_big':
      if (issue.origin === 'array') return { path, what: `has more than ${issue.maximum} entries` };
      return { path, what: issue.origin === 'string' ? `is longer than ${issue.maximum} characters` : `has to be at most ${issue.maximum}${not}` };
    case 'invalid_union':
      if (found === undefined) return { path, what: 'is missing' };
      return { path, what: path.includes('vm') ? 'has to have one of name, glob and regex, with a text' : `has to be a number or a text${not}` };
    default:
      return { path, what: issue.message.replace(/\.$/, '').slice(0, SHOWN_MAX) };
  }
}

function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let found = document;
  for (const part of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Readonly<Record<PropertyKey, unknown>>)[part];
  }
  return found ?? undefined;
}

/** Long enough to recognise, short enough for a message. */
const SHOWN_MAX = 80;
const shown = (value: unknown): string => {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a group of fields';
  const text = JSON.stringify(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
};

const oneOf = (choices: readonly string[]): string =>
  choices.length > 1 ? `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}` : (choices[0] ?? 'nothing');
