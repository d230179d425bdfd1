import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Tells a run that goes on from one that was killed: the history alone cannot, because a killed process writes nothing any more. */
export interface RunMarks {
  /** Marks a run as going on in this process until disposed. */
  hold(id: string): Disposable;
  isHeld(id: string): boolean;
}

interface Holder {
  readonly host: string;
  readonly pid: number;
  /** A process id is given again some day; its start time is not. */
  readonly startedAt: string;
}

export function fileRunMarks(folder: string): RunMarks {
  const pathOf = (id: string): string => join(folder, `${id}.json`);
  return {
    hold(id) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(pathOf(id), JSON.stringify({ host: hostname(), pid: process.pid, startedAt: startOf(process.pid) ?? '' } satisfies Holder));
      return { [Symbol.dispose]: () => rmSync(pathOf(id), { force: true }) };
    },
    isHeld(id) {
      const holder = readHolder(pathOf(id));
      if (!holder) return false;
      // Another machine that shares this folder cannot be looked into: its word is taken.
      return holder.host !== hostname() || startOf(holder.pid) === holder.startedAt;
    },
  };
}

function readHolder(path: string): Holder | undefined {
  try {
    const found: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return isHolder(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

const isHolder = (value: unknown): value is Holder =>
  typeof value === 'object' && value !== null && 'host' in value && 'pid' in value && typeof value.pid === 'number' && 'startedAt' in value;

/** When a process began, in ticks since boot: proc_pid_stat(5), field 22, counted behind the name, which may hold blanks. Undefined when there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
