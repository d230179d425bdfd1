import { readFile, stat } from 'node:fs/promises';
import { HyperError, systemCode } from '@hypersdk/domain';
import type { HistoryEntry } from '@hypersdk/ports';

/**
 * How old a line is whatever its place in the file, oldest first. `kept`: put there by the compaction that made the file. `late`: carried over from the file
 * before, where it was appended last. `new`: appended to this very file, so newer than both. Place alone would not do: a late line may come after a new one.
 */
const ages = ['kept', 'late', 'new'] as const;
export type Age = (typeof ages)[number];

export interface Line {
  readonly entry: HistoryEntry;
  readonly age: Age;
}

/** By id, in the order in which the ids first came. */
export type Lines = ReadonlyMap<string, Line>;

/** The file that a compaction replaces keeps this name until nothing in it can be missing from the new one. */
export const previousName = (path: string): string => `${path}.previous`;

/** A run's arguments fit; more than this is no entry of ours, and one write must stay one write. */
const LINE_SIZE_MAX = 64 * 1024;

/** Begins with a line break too, so that a line that a crash cut short cannot swallow this one. */
export function toLine(entry: HistoryEntry, age: Age = 'new'): Uint8Array {
  const fields = age === 'new' ? entry : { ...entry, age };
  const line = new TextEncoder().encode(`\n${JSON.stringify(fields)}\n`);
  if (line.length > LINE_SIZE_MAX)
    throw new HyperError('usage/invalid', `An entry of the history has ${line.length} bytes, more than ${LINE_SIZE_MAX}.`);
  return line;
}

/** What cannot be read as an entry is left out. Of the lines of an id the youngest counts, and among equals the last. */
export function parseLines(text: string): Lines {
  const lines = new Map<string, Line>();
  for (const part of text.split('\n')) {
    const line = part === '' || part.length > LINE_SIZE_MAX ? undefined : parseLine(part);
    const known = line && lines.get(line.entry.id);
    if (line && (!known || ages.indexOf(line.age) >= ages.indexOf(known.age))) lines.set(line.entry.id, line);
  }
  return lines;
}

/** While there is an older file, it holds all that was kept from it and may hold what came later; only what the newer file has beyond that is newer still. */
export function mergeLines({ previous, current }: HistoryText): readonly HistoryEntry[] {
  const merged = new Map(parseLines(previous));
  for (const [id, line] of parseLines(current)) if (line.age !== 'kept' || !merged.has(id)) merged.set(id, line);
  return Array.from(merged.values(), ({ entry }) => entry);
}

export interface HistoryText {
  /** Empty but for a compaction that is under way, or died. */
  readonly previous: string;
  readonly current: string;
}

/** A compaction takes longer than two reads; a third try is never needed. */
const READ_ATTEMPTS_MAX = 10;

/** Both files as they were at one moment: where the name moved on between the reads, they are read again. */
export async function readLines(path: string): Promise<HistoryText> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await inodeOf(path);
    const previous = await readText(previousName(path));
    const current = await readText(path);
    if (before === (await inodeOf(path)) || attempt === READ_ATTEMPTS_MAX) return { previous, current };
  }
}

const inodeOf = async (path: string): Promise<number | undefined> => (await stat(path).catch(() => undefined))?.ino;

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw new HyperError('source/unreadable', `The history ${path} could not be read.`, { cause: error });
  }
}

function parseLine(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return undefined;
    const { age: told, ...entry } = value;
    const age = told === undefined ? 'new' : ages.find((known) => known === told);
    return age !== undefined && isEntry(entry) ? { entry, age } : undefined;
  } catch {
    return undefined;
  }
}

const STATES: ReadonlySet<unknown> = new Set(['running', 'succeeded', 'failed', 'cancelled', 'interrupted']);
const COMMANDS: ReadonlySet<unknown> = new Set(['export', 'convert', 'restore']);

function isEntry(value: Readonly<Record<string, unknown>>): value is HistoryEntry & Readonly<Record<string, unknown>> {
  const { id, command, state, startedAt, finishedAt, source, target, bytes, root, vms, error, resume } = value;
  return (
    [id, startedAt, source, target].every(isText) &&
    COMMANDS.has(command) &&
    STATES.has(state) &&
    [finishedAt, root].every((field) => field === undefined || isText(field)) &&
    (vms === undefined || (Array.isArray(vms) && vms.every(isText))) &&
    (bytes === undefined || Number.isSafeInteger(bytes)) &&
    (error === undefined || (isRecord(error) && isText(error['code']) && isText(error['message']))) &&
    Array.isArray(resume) &&
    resume.every(isText)
  );
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);
