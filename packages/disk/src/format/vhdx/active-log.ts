// MS-VHDX 2.3.2 "Log Sequence" and 2.3.3 "Log Replay".
import type { Guid } from './guid.ts';
import { isBegun, isWhole, LOG_SECTOR, readLogEntry, type LogEntry, type LogRing } from './log-entry.ts';
import { malformed } from './vhdx-refusal.ts';

/**
 * The entries that have to be replayed, oldest first. Of all runs of whole entries that follow each other without a gap and reach back to the tail that their
 * last one names, the one with the highest sequence number counts; entries that were torn, or were left by an earlier round, fall out of it by themselves.
 * Empty when not even a torn entry is there: programs take a log into use before they write to it, and change nothing before they have.
 */
export function findActiveSequence(ring: LogRing, guid: Guid): readonly LogEntry[] {
  const { entries, begunCount } = findEntries(ring, guid);
  const followed = new Set<LogEntry>();
  for (const entry of entries.values()) {
    const next = nextOf(ring, entries, entry);
    if (next) followed.add(next);
  }
  let active: readonly LogEntry[] = [];
  for (const first of entries.values()) {
    if (followed.has(first)) continue;
    const sequence = fromTail(runFrom(ring, entries, first));
    if ((sequence.at(-1)?.sequence ?? 0n) > (active.at(-1)?.sequence ?? 0n)) active = sequence;
  }
  if (active.length === 0 && begunCount > 0) throw malformed('its log is marked as in use, but holds no whole sequence of entries', ring.place);
  return active;
}

type Entries = ReadonlyMap<number, LogEntry>;

/** The whole entries, and how many were begun. */
function findEntries(ring: LogRing, guid: Guid): { readonly entries: Entries; readonly begunCount: number } {
  const entries = new Map<number, LogEntry>();
  // A round of the ring holds entries that lie apart, and what an earlier round left of its own: never more than twice the ring.
  let begunCount = 0;
  let bytesLeft = 2 * ring.bytes.length;
  for (let offset = 0; offset < ring.bytes.length; offset += LOG_SECTOR) {
    if (!isBegun(ring, offset, guid)) continue;
    begunCount += 1;
    const entry = readLogEntry(ring, offset);
    if (!entry) continue;
    bytesLeft -= entry.length;
    if (bytesLeft < 0) throw malformed('the entries of its log lie over each other', { ...ring.place, offset: ring.place.offset + offset });
    if (isWhole(ring, entry)) entries.set(offset, entry);
  }
  return { entries, begunCount };
}

function nextOf(ring: LogRing, entries: Entries, entry: LogEntry): LogEntry | undefined {
  const next = entries.get((entry.offset + entry.length) % ring.bytes.length);
  return next?.sequence === entry.sequence + 1n ? next : undefined;
}

function runFrom(ring: LogRing, entries: Entries, first: LogEntry): readonly LogEntry[] {
  const run: LogEntry[] = [];
  for (let entry: LogEntry | undefined = first; entry; entry = nextOf(ring, entries, entry)) run.push(entry);
  return run;
}

/** The part of a run that its last entry asks for; nothing when that part is not all there. */
function fromTail(run: readonly LogEntry[]): readonly LogEntry[] {
  const tail = run.at(-1)?.tail;
  const start = run.findIndex(({ offset }) => offset === tail);
  return start < 0 ? [] : run.slice(start);
}
