import { KIB, type ByteRange, type Extent } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';

/** Shorter runs are not looked up in the file system: they cost a call each. */
const SOUGHT_FROM = 64 * KIB;

/** Tells the data of a run of a disk from what is stored and yet a hole of the file: most programs write a part of a block and leave the rest of it out. */
export function* extentsOfRun(file: ByteFile, run: ByteRange & { readonly fileOffset: number }): Generator<Extent> {
  const { offset, length, fileOffset } = run;
  if (length < SOUGHT_FROM) {
    yield { offset, length, kind: 'data' };
    return;
  }
  for (const found of file.extents({ offset: fileOffset, length })) {
    yield { offset: offset + (found.offset - fileOffset), length: found.length, kind: found.kind === 'data' ? 'data' : 'zero' };
  }
}
