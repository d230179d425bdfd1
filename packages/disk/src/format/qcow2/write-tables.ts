import type { WritableFile } from '../../file/byte-file.ts';

/** A table with its place in the file. */
export interface PlacedTable {
  readonly offset: number;
  readonly bytes: Buffer;
}

/** Writes tables in order; those that lie side by side in the file and in memory go in one write. */
export function writeTables(file: WritableFile, tables: readonly PlacedTable[]): void {
  let run: PlacedTable | undefined;
  for (const next of tables) {
    if (run && isNext(run, next)) {
      run = { offset: run.offset, bytes: Buffer.from(run.bytes.buffer, run.bytes.byteOffset, run.bytes.length + next.bytes.length) };
    } else {
      if (run) file.write(run.offset, run.bytes);
      run = next;
    }
  }
  if (run) file.write(run.offset, run.bytes);
}

const isNext = (run: PlacedTable, next: PlacedTable): boolean =>
  next.offset === run.offset + run.bytes.length &&
  next.bytes.buffer === run.bytes.buffer &&
  next.bytes.byteOffset === run.bytes.byteOffset + run.bytes.length;
