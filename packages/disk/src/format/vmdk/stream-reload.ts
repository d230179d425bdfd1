// Finds the tables of an unfinished stream again. In a stream every table lies right behind its grains, and the grains of the next table right behind it:
// so the first grain of a table tells where the table before it ends.
import { HyperError, roundUp } from '@hypersdk/domain';
import type { WritableFile } from '../../file/byte-file.ts';
import { GRAIN_MARKER_SIZE, parseGrainMarker } from './marker.ts';
import { SECTOR_SIZE, TABLE_ENTRIES, TABLE_SIZE } from './vmdk-limits.ts';
import { WRITTEN_GRAIN_SIZE } from './vmdk-plan.ts';

const GRAIN_SECTORS = WRITTEN_GRAIN_SIZE / SECTOR_SIZE;

/** Fills in the directory by walking back from the last table: two short reads for every 32 MiB of disk that has data. */
export function reloadDirectory(file: WritableFile, from: { readonly start: number; readonly lastTable: number }, directory: Uint32Array): void {
  const bytes = new Uint8Array(TABLE_SIZE);
  let later = directory.length;
  if (!Number.isSafeInteger(from.lastTable) || from.lastTable < 0) throw lost(file);
  for (let offset = from.lastTable; offset !== 0;) {
    file.read(offset, bytes);
    const firstGrain = firstEntry(bytes) * SECTOR_SIZE;
    if (firstGrain < from.start || firstGrain >= offset) throw lost(file);
    const index = Math.floor(readUnit(file, firstGrain).unit / TABLE_ENTRIES);
    // Indexes fall with every step, which also bounds the walk.
    if (index >= later) throw lost(file);
    directory[index] = offset / SECTOR_SIZE;
    later = index;
    offset = firstGrain === from.start ? 0 : firstGrain - TABLE_SIZE;
  }
}

/** Fills in the table that was not written yet from the markers of its grains, 512 at most; answers its index, -1 when there is none. */
export function reloadTable(
  file: WritableFile,
  range: { readonly start: number; readonly end: number; readonly units: number },
  table: Uint32Array,
): number {
  let index = -1;
  let last = -1;
  for (let offset = range.start; offset < range.end;) {
    const { unit, end } = readUnit(file, offset);
    const tableIndex = Math.floor(unit / TABLE_ENTRIES);
    if (unit <= last || unit >= range.units || end > range.end || (index >= 0 && tableIndex !== index)) throw lost(file);
    table[unit % TABLE_ENTRIES] = offset / SECTOR_SIZE;
    index = tableIndex;
    last = unit;
    offset = end;
  }
  return index;
}

/** The number of the grain whose marker lies there, and where the grain ends. */
function readUnit(file: WritableFile, offset: number): { readonly unit: number; readonly end: number } {
  const bytes = new Uint8Array(GRAIN_MARKER_SIZE);
  file.read(offset, bytes);
  const { sector, storedSize } = parseGrainMarker(bytes);
  if (sector === undefined || sector % GRAIN_SECTORS !== 0 || storedSize === 0) throw lost(file);
  return { unit: sector / GRAIN_SECTORS, end: roundUp(offset + GRAIN_MARKER_SIZE + storedSize, SECTOR_SIZE) };
}

function firstEntry(table: Uint8Array): number {
  const view = new DataView(table.buffer);
  for (let at = 0; at < TABLE_SIZE; at += 4) {
    const sector = view.getUint32(at, true);
    if (sector > 0) return sector;
  }
  return 0;
}

const lost = (file: WritableFile): HyperError =>
  new HyperError('checkpoint/malformed', `${file.path} is not the unfinished stream that its checkpoint describes.`, { detail: { format: 'vmdk' } });
