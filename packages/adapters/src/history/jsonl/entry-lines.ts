import { readFile } from 'node:fs/promises';
import { HyperError } from '@hypersdk/domain';
import type { HistoryEntry } from '@hypersdk/ports';

/** By id, in the order in which the ids first came. */
export type Entries = ReadonlyMap<string, HistoryEntry>;

/** The file that a compaction replaces keeps this name until nothing in it can be missing from the new one. */
export const previousName = (path: string): string => `${path}.previous`;

/** A run's arguments fit; more than this is no entry of ours, and one write must stay one write. */
const LINE_SIZE_MAX = 64 * 1024;

/** Begins with a line break too, so that a line that a crash cut short cannot swallow this one. */
export function toLine(entry: HistoryEntry): Uint8Array {
  const line = new TextEncoder().encode(`\n${JSON.stringify(entry)}\n`);
  if (line.length > LINE_SIZE_MAX)
    throw new HyperError('usage/invalid', `An entry of the history has ${line.length} bytes, more than ${LINE_SIZE_MAX}.`);
  return line;
}

/** What cannot be read as an entry is left out. The last line of an id counts. */
export function parseLines(text: string): Entries {
  const entries = new Map<string, HistoryEntry>();
  for (const line of text.split('\n')) {
    const entry = line === '' || line.length > LINE_SIZE_MAX ? undefined : parseLine(line);
    if (entry) entries.set(entry.id, entry);
  }
  return entries;
}

/** Where a compaction died half way, the older file may know of an end that the newer one does not. */
export function mergePrevious(previous: Entries, current: Entries): Entries {
  const merged = new Map(previous);
  for (const [id, entry] of current) {
    const older = previous.get(id);
    if (!older || entry.state !== 'running' || older.state === 'running') merged.set(id, entry);
  }
  return merged;
}

export async function readLines(path: string): Promise<{ readonly previous: string; readonly current: string }> {
  // In this order: a compaction that begins between the two reads then loses nothing, for what it moves away was in the first or is in the second.
  const previous = await readText(previousName(path));
  const current = await readText(path);
  return { previous, current };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw new HyperError('source/unreadable', `The history ${path} could not be read.`, { cause: error });
  }
}

function parseLine(line: string): HistoryEntry | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isEntry(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const STATES: ReadonlySet<unknown> = new Set(['running', 'succeeded', 'failed', 'cancelled', 'interrupted']);
const COMMANDS: ReadonlySet<unknown> = new Set(['export', 'convert']);

function isEntry(value: unknown): value is HistoryEntry {
  if (!isRecord(value)) return false;
  const { id, command, state, startedAt, finishedAt, source, target, bytes, root, error, resume } = value;
  return (
    [id, startedAt, source, target].every(isText) &&
    COMMANDS.has(command) &&
    STATES.has(state) &&
    [finishedAt, root].every((field) => field === undefined || isText(field)) &&
    (bytes === undefined || Number.isSafeInteger(bytes)) &&
    (error === undefined || (isRecord(error) && isText(error['code']) && isText(error['message']))) &&
    Array.isArray(resume) &&
    resume.every(isText)
  );
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
