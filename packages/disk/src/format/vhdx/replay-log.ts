// MS-VHDX 2.3.3 "Log Replay".
import { endOf, formatBytes, MIB, roundUp, type ByteRange } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { findActiveSequence } from './active-log.ts';
import { HEADERS_END, type FileHeader } from './file-header.ts';
import { changesOf, LOG_SECTOR, type LogChange, type LogEntry, type LogRing } from './log-entry.ts';
import { ReplayedFile } from './replayed-file.ts';
import { ALIGNMENT, LOG_SIZE_MAX } from './vhdx-limits.ts';
import { malformed, tooLarge } from './vhdx-refusal.ts';

/** Changed sectors are remembered one by one, those that are changed again as often as they are; no program changes so much before it writes it back. */
const CHANGED_MAX = 256 * MIB;

/** The file as it is once its log is replayed, in memory: a source is never written to. The file itself when there is nothing to replay. */
export function replayLog(file: ByteFile, header: FileHeader): ByteFile {
  const { log, logGuid } = header;
  if (logGuid === undefined) return file;
  if (log.length > LOG_SIZE_MAX) {
    throw tooLarge(`a log of ${formatBytes(log.length)} that has to be replayed is over the limit of ${formatBytes(LOG_SIZE_MAX)}`, {
      path: file.path,
      offset: log.offset,
    });
  }
  const ring = { bytes: Buffer.alloc(log.length), place: { path: file.path, offset: log.offset } };
  file.read(log.offset, ring.bytes);
  const sequence = findActiveSequence(ring, logGuid);
  if (sequence.length === 0) return file;
  const size = sizeAfter(file, sequence, ring);
  return new ReplayedFile(file, { sectors: changedSectors(ring, sequence), size });
}

function sizeAfter(file: ByteFile, sequence: readonly LogEntry[], ring: LogRing): number {
  let size = file.size;
  for (const { flushedSize, lastSize, offset } of sequence) {
    const at = { path: file.path, offset: ring.place.offset + offset };
    if (flushedSize > file.size) throw malformed(`it had ${flushedSize} bytes when its log was written, and has ${file.size} now`, at);
    if (lastSize === Infinity) throw malformed('its log makes it longer than any file', at);
    size = Math.max(size, roundUp(lastSize, ALIGNMENT));
  }
  return size;
}

function changedSectors(ring: LogRing, sequence: readonly LogEntry[]): ReadonlyMap<number, Uint8Array | undefined> {
  const log: ByteRange = { offset: ring.place.offset, length: ring.bytes.length };
  const sectors = new Map<number, Uint8Array | undefined>();
  let changed = 0;
  for (const entry of sequence) {
    const at = { path: ring.place.path, offset: ring.place.offset + entry.offset };
    for (const change of changesOf(ring, entry)) {
      const range = { offset: change.offset, length: change.kind === 'zeros' ? change.length : LOG_SECTOR };
      if (range.offset < HEADERS_END || (range.offset < endOf(log) && endOf(range) > log.offset))
        throw malformed(`its log changes byte ${range.offset}, which no log may change`, at);
      changed += range.length;
      if (changed > CHANGED_MAX) throw tooLarge(`its log changes more than the limit of ${formatBytes(CHANGED_MAX)}`, at);
      for (let offset = range.offset; offset < endOf(range); offset += LOG_SECTOR) sectors.set(offset / LOG_SECTOR, toSector(change));
    }
  }
  return sectors;
}

/** The data sector in memory becomes what it stands for: its signature and sequence number lie where the edges go. */
function toSector(change: LogChange): Uint8Array | undefined {
  if (change.kind === 'zeros') return undefined;
  change.bytes.set(change.leading, 0);
  change.bytes.set(change.trailing, LOG_SECTOR - change.trailing.length);
  return change.bytes;
}
