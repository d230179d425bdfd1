import { constants } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HyperError, systemCode } from '@hypersdk/domain';
import type { Cancel, History, HistoryEntry } from '@hypersdk/ports';
import { compact } from './compact.ts';
import { mergeLines, readLines, toLine } from './entry-lines.ts';

const APPEND_FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
/** An entry is written again when the file was replaced meanwhile; that happens once in a thousand runs. */
const APPEND_ATTEMPTS_MAX = 5;
/** Some 3,000 runs; read whole in a few milliseconds. */
const COMPACT_ABOVE = 2 * 1024 * 1024;

/**
 * Runs as lines of JSON in one file, the last line of an id being the one that counts. Any number of processes may record at once:
 * a line is one write to a file opened for appending. A line that a crash cut short is left out.
 */
export class JsonlHistory implements History {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Makes the folder that the file will lie in; the folder above it must be there. */
  static async open(path: string, o: Cancel): Promise<JsonlHistory> {
    o.signal.throwIfAborted();
    await mkdir(dirname(path), { mode: 0o700 }).catch((cause: unknown) => {
      if (systemCode(cause) !== 'EEXIST') throw cause;
    });
    return new JsonlHistory(path);
  }

  async record(entry: HistoryEntry, { signal }: Cancel): Promise<void> {
    signal.throwIfAborted();
    const line = toLine(entry);
    for (let attempt = 0; attempt < APPEND_ATTEMPTS_MAX; attempt += 1) {
      const { isCurrent, size } = await this.#append(line);
      if (!isCurrent) continue;
      // The entry is safe already; a compaction that fails is tried again after the next one.
      if (size > COMPACT_ABOVE) await compact(this.#path).catch(() => undefined);
      return;
    }
    throw new HyperError('target/busy', `The history ${this.#path} is replaced again and again by other processes.`);
  }

  async list({ signal, limit }: Cancel & { readonly limit: number }): Promise<readonly HistoryEntry[]> {
    signal.throwIfAborted();
    return (await this.#read()).toSorted(newestFirst).slice(0, limit);
  }

  async find(id: string, { signal }: Cancel): Promise<HistoryEntry | undefined> {
    signal.throwIfAborted();
    return (await this.#read()).find((entry) => entry.id === id);
  }

  async #read(): Promise<readonly HistoryEntry[]> {
    return mergeLines(await readLines(this.#path));
  }

  /** Whether the file still had its name after the line was on the medium: if not, a compaction may have missed the line. */
  async #append(line: Uint8Array): Promise<{ readonly isCurrent: boolean; readonly size: number }> {
    await using file = await open(this.#path, APPEND_FLAGS, 0o600);
    const { bytesWritten } = await file.write(line);
    if (bytesWritten !== line.length) throw new HyperError('target/full', `There is no room for the history ${this.#path}.`);
    await file.sync();
    const [written, named] = await Promise.all([file.stat(), stat(this.#path).catch(() => undefined)]);
    return { isCurrent: named?.ino === written.ino && named.dev === written.dev, size: written.size };
  }
}

const newestFirst = (a: HistoryEntry, b: HistoryEntry): number => compareText(b.startedAt, a.startedAt) || compareText(b.id, a.id);
const compareText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
