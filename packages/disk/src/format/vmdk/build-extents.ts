// For tests: the files of sparse extents, byte by byte.
import { roundUp } from '@hypersdk/domain';
import type { Cell } from './build-chain.ts';
import { encodeSparseHeader } from './sparse-header.ts';

const CELL_SIZE = 64 * 1024;
const sectors = (bytes: number): number => bytes / 512;

/** Cells of 64 KiB, of a disk or a part of one; `size` may cut the last one short. */
export interface ExtentContent {
  readonly cells: readonly Cell[];
  readonly size: number;
}

/** A file that grows. */
class Growing {
  bytes = Buffer.alloc(0);

  /** Takes room at the end, on a border of sectors; answers where. */
  take(length: number): number {
    const at = this.bytes.length;
    this.bytes = Buffer.concat([this.bytes, Buffer.alloc(roundUp(length, 512))]);
    return at;
  }
}

/** A hosted sparse extent of version 2, with its descriptor inside when there is one. */
export function buildHosted({ cells, size }: ExtentContent, descriptor: Uint8Array = new Uint8Array(0)): Uint8Array {
  const file = new Growing();
  file.take(512);
  const text = { offset: descriptor.length === 0 ? 0 : file.take(descriptor.length), length: roundUp(descriptor.length, 512) };
  file.bytes.set(descriptor, text.offset || file.bytes.length);
  const tableCount = Math.ceil(cells.length / 512);
  const directory = file.take(tableCount * 4);
  const first = file.take(tableCount * 2048);
  for (let index = 0; index < tableCount; index += 1) file.bytes.writeUInt32LE(sectors(first) + index * 4, directory + index * 4);
  const overhead = file.bytes.length;
  cells.forEach((cell, at) => {
    if (cell === 'hole') return;
    const entry = cell === 'zero' ? 1 : sectors(fillGrain(file, CELL_SIZE, cell));
    file.bytes.writeUInt32LE(entry, first + at * 4);
  });
  file.bytes.set(
    encodeSparseHeader({
      size: 512,
      version: 2,
      capacity: size,
      grainSize: CELL_SIZE,
      tableEntries: 512,
      descriptor: text,
      redundantDirectoryOffset: undefined,
      directoryOffset: directory,
      overhead,
      compressed: false,
      markers: false,
      zeroedGrains: true,
      uncleanShutdown: false,
    }),
    0,
  );
  return file.bytes;
}

function fillGrain(file: Growing, size: number, value: number): number {
  const at = file.take(size);
  file.bytes.fill(value, at, at + size);
  return at;
}

/** A VMFSSPARSE extent with grains of a sector. It knows no grains of zeros, so zeros are stored. */
export function buildCowd({ cells, size }: ExtentContent): Uint8Array {
  const file = new Growing();
  const tableCount = Math.ceil(size / (512 * 4096));
  file.take(2048);
  file.bytes.write('COWD', 0, 'latin1');
  const directory = file.take(tableCount * 4);
  const fields = [1, 3, sectors(size), 1, sectors(directory), tableCount];
  fields.forEach((value, at) => file.bytes.writeUInt32LE(value, 4 + at * 4));
  const tables = new Map<number, number>();
  for (let grain = 0; grain < sectors(size); grain += 1) {
    const cell = cells[Math.floor((grain * 512) / CELL_SIZE)] ?? 'hole';
    if (cell === 'hole') continue;
    const index = Math.floor(grain / 4096);
    const table = tables.get(index) ?? file.take(4096 * 4);
    if (!tables.has(index)) file.bytes.writeUInt32LE(sectors(table), directory + index * 4);
    tables.set(index, table);
    // The grains of a cell follow each other.
    if ((grain * 512) % CELL_SIZE === 0) fillGrain(file, Math.min(CELL_SIZE, size - grain * 512), cell === 'zero' ? 0 : cell);
    const within = ((grain * 512) % CELL_SIZE) / 512;
    const first =
      within === 0
        ? file.bytes.length - Math.min(CELL_SIZE, size - grain * 512)
        : file.bytes.readUInt32LE(table + ((grain - within) % 4096) * 4) * 512;
    file.bytes.writeUInt32LE(sectors(first) + within, table + (grain % 4096) * 4);
  }
  return file.bytes;
}

/** A SESPARSE extent whose first stored grain has the number `firstGrain`. Grains of zeros are recorded as unmapped and as zero by turns. */
export function buildSeSparse({ cells, size, firstGrain = 0 }: ExtentContent & { readonly firstGrain?: number }): Uint8Array {
  const file = new Growing();
  const tableCount = Math.ceil(size / (4096 * 4096));
  const places = [512, 512, 512, 512, tableCount * 8, tableCount * 4096 * 8, 512, 512].map((length) => ({
    at: file.take(length),
    length: roundUp(length, 512),
  }));
  const [, , , , directory, tables] = places;
  if (!directory || !tables) throw new Error('There are eight areas.');
  const grains = file.bytes.length;
  const view = file.bytes;
  const put = (value: bigint | number, at: number): unknown => view.writeBigUInt64LE(BigInt(value), at);
  put(0xcafebaben, 0);
  put(0x2_0000_0001n, 8);
  [sectors(size), 8, 64].forEach((value, at) => put(value, 16 + at * 8));
  // Volatile header, journal header, journal, directory, tables, free bitmap, backmap, then grains.
  [...places.slice(1), { at: grains, length: size }].forEach(({ at, length }, index) => {
    put(sectors(at), 80 + index * 16);
    put(sectors(length), 88 + index * 16);
  });
  put(0xcafecafen, 512);
  // Tables are numbered against the order of the disk.
  for (let index = 0; index < tableCount; index += 1) put((1n << 60n) | BigInt(tableCount - 1 - index), directory.at + index * 8);
  let number = firstGrain;
  const stored: { readonly at: number; readonly cell: number }[] = [];
  for (let grain = 0; grain * 4096 < size; grain += 1) {
    const cell = cells[Math.floor((grain * 4096) / CELL_SIZE)] ?? 'hole';
    const entry = tables.at + (tableCount - 1 - Math.floor(grain / 4096)) * 4096 * 8 + (grain % 4096) * 8;
    if (cell === 'hole') continue;
    if (cell === 'zero') {
      put(grain % 2 === 0 ? 2n << 60n : (1n << 60n) | 77n, entry);
      continue;
    }
    put((3n << 60n) | (BigInt(number % 4096) << 48n) | BigInt(Math.floor(number / 4096)), entry);
    stored.push({ at: grains + number * 4096, cell });
    number += 1;
  }
  const whole = Buffer.alloc(stored.length === 0 ? grains : grains + number * 4096);
  whole.set(file.bytes);
  for (const { at, cell } of stored) whole.fill(cell, at, at + 4096);
  return whole;
}
