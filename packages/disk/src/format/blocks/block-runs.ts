import { endOf, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { DiskImage, FileRun } from '../disk-image.ts';
import { extentsOfRun } from './file-holes.ts';
import { extentsBelow, locateBelow, readBelow } from './parent-extents.ts';

/** A run of the disk whose bytes are reached alike: one after the other in the file, recorded as zeros, or not held and so the parent's, or a hole. */
export type BlockRun = { readonly length: number } & ({ readonly kind: 'data'; readonly fileOffset: number } | { readonly kind: 'zero' | 'absent' });

/** A disk in blocks, as its runs. */
export interface BlockRuns {
  readonly file: ByteFile;
  readonly parent: DiskImage | undefined;
  /** The longest run from the start of the range on, at most its length. */
  runAt(range: ByteRange): BlockRun;
}

export function* extentsOfRuns({ file, parent, runAt }: BlockRuns, range: ByteRange): Generator<Extent> {
  for (let { offset } = range; offset < endOf(range);) {
    const run = runAt({ offset, length: endOf(range) - offset });
    const piece = { offset, length: run.length };
    if (run.kind === 'data') yield* extentsOfRun(file, { ...piece, fileOffset: run.fileOffset });
    else if (run.kind === 'zero') yield { ...piece, kind: 'zero' };
    else yield* extentsBelow(parent, piece);
    offset += run.length;
  }
}

export function readRuns({ file, parent, runAt }: BlockRuns, offset: number, into: Uint8Array): void {
  for (let done = 0; done < into.length;) {
    const run = runAt({ offset: offset + done, length: into.length - done });
    const piece = into.subarray(done, done + run.length);
    if (run.kind === 'data') file.read(run.fileOffset, piece);
    else if (run.kind === 'zero') piece.fill(0);
    else readBelow(parent, offset + done, piece);
    done += run.length;
  }
}

export function locateRun({ file, parent, runAt }: BlockRuns, range: ByteRange): FileRun | undefined {
  const run = runAt(range);
  if (run.kind === 'absent') return locateBelow(parent, { offset: range.offset, length: run.length });
  return run.kind === 'data' && file.fd !== undefined ? { fd: file.fd, fileOffset: run.fileOffset, length: run.length } : undefined;
}
