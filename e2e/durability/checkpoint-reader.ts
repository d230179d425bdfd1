// A second reader of checkpoint files, written from docs/formats/checkpoint.md alone, so that what the engine writes is judged by someone else.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';

export interface Settled {
  /** All leaves below it are settled. */
  readonly leaves: number;
  /** Leaves of the last record that has any: what a resume reads once more. */
  readonly lastWindow: readonly number[];
  readonly owner?: { readonly bootId: string; readonly networkNamespace: string; readonly pid: number };
}

const ENTRY_SIZE = 36;

/** What the newest checkpoint of an attempt at `path` says; nothing settled when there is none. */
export function readSettled(path: string): Settled {
  let settled: Settled = { leaves: 0, lastWindow: [] };
  const file = newestCheckpoint(path);
  if (file === undefined) return settled;
  for (const payload of records(readFileSync(file))) {
    if (payload[0] === 1) {
      const count = payload.readUInt32LE(1);
      const mark: { readonly leaves?: number } = JSON.parse(payload.toString('utf8', 5 + count * ENTRY_SIZE));
      const lastWindow = Array.from({ length: count }, (_, at) => payload.readUInt32LE(5 + at * ENTRY_SIZE));
      settled = { ...settled, leaves: mark.leaves ?? 0, lastWindow: count > 0 ? lastWindow : settled.lastWindow };
    } else {
      const record: Pick<Settled, 'owner'> = JSON.parse(payload.toString('utf8', 1));
      if (record.owner) settled = { ...settled, owner: record.owner };
    }
  }
  return settled;
}

export function newestCheckpoint(path: string): string | undefined {
  const pattern = /^\.partial\.(\d+)\.checkpoint$/;
  const base = basename(path);
  const epochs = readdirSync(dirname(path)).flatMap((name) => {
    const match = name.startsWith(base) ? pattern.exec(name.slice(base.length)) : undefined;
    return match ? [{ name, epoch: Number(match[1]) }] : [];
  });
  const newest = epochs.toSorted((a, b) => b.epoch - a.epoch)[0];
  return newest && join(dirname(path), newest.name);
}

function* records(bytes: Buffer): Generator<Buffer> {
  if (bytes.toString('latin1', 0, 8) !== 'HSDKCKP1') return;
  for (let at = 8; at + 8 <= bytes.length;) {
    const end = at + 8 + bytes.readUInt32LE(at);
    const payload = bytes.subarray(at + 8, end);
    if (end > bytes.length || crc32(payload) !== bytes.readUInt32LE(at + 4)) return;
    yield payload;
    at = end;
  }
}
