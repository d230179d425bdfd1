import type { ByteRange } from '@hypersdk/domain';
import { AgeFile } from '../age/age-file.ts';
import type { ByteFile } from './byte-file.ts';
import { ReadableDiskFile } from './disk-file.ts';
import { FileSlice } from './file-slice.ts';
import { JoinedFile } from './joined-file.ts';

interface Part {
  readonly path: string;
  /** Files that go on where `path` ends. */
  readonly volumes?: readonly string[];
  readonly slice?: ByteRange;
  readonly fileKey?: Uint8Array;
}

/** Opens a file, or only a part of it when one is named; what it holds when it is encrypted and its key is given. */
export function openPart(part: Part): ByteFile {
  const whole = openWhole(part);
  return part.slice ? orClose(whole, () => new FileSlice(whole, part.slice ?? { offset: 0, length: 0 })) : whole;
}

/** The whole content of a file, joined from its volumes and decrypted where a key is given. */
export function openWhole({ path, volumes = [], fileKey }: Omit<Part, 'slice'>): ByteFile {
  const file = volumes.length > 0 ? JoinedFile.open([path, ...volumes]) : ReadableDiskFile.open(path);
  return fileKey ? orClose(file, () => AgeFile.open(file, fileKey)) : file;
}

function orClose(file: ByteFile, open: () => ByteFile): ByteFile {
  try {
    return open();
  } catch (error) {
    file[Symbol.dispose]();
    throw error;
  }
}
