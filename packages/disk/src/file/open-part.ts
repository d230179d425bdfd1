import type { ByteRange } from '@hypersdk/domain';
import type { ByteFile } from './byte-file.ts';
import { ReadableDiskFile } from './disk-file.ts';
import { FileSlice } from './file-slice.ts';

/** Opens a file, or only a part of it when one is named. */
export function openPart({ path, slice }: { readonly path: string; readonly slice?: ByteRange }): ByteFile {
  const whole = ReadableDiskFile.open(path);
  if (!slice) return whole;
  try {
    return new FileSlice(whole, slice);
  } catch (error) {
    whole[Symbol.dispose]();
    throw error;
  }
}
