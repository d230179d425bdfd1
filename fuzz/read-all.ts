import { HyperError, MIB } from '@hypersdk/domain';
import { MemoryFile } from '../packages/disk/src/file/memory-file.ts';
import { imageReaders } from '../packages/disk/src/format/formats.ts';
import type { Seed } from './seeds.ts';

/** A damaged size may claim a vast disk; this much of it is looked at. */
const EXTENTS_MAX = 2000;
const READ_MAX = 8 * MIB;
const into = new Uint8Array(64 * 1024);

/** The files of an image that lies in several. */
export interface Around {
  /** The image itself. */
  readonly top: string;
  /** The file in whose place the damaged bytes are read. */
  readonly name: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** Does with an image what a copy does. Answers whether it was refused; anything thrown but a HyperError is a defect and goes through. */
export function readAll({ format, around }: Pick<Seed, 'format' | 'around'>, bytes: Uint8Array): 'read' | 'refused' {
  const files: Around['files'] = around ? { ...around.files, [around.name]: bytes } : { fuzzed: bytes };
  const top = around?.top ?? 'fuzzed';
  try {
    using image = imageReaders[format].open(new MemoryFile(files[top], top), {
      references: around ? 'beside' : 'refuse',
      depth: 0,
      openReference: (name) => {
        const found = files[name];
        if (!found || !around) throw new HyperError('image/refused-reference', `The file ${JSON.stringify(name)} is not opened.`);
        return new MemoryFile(found, name);
      },
    });
    let extents = 0;
    let read = 0;
    for (const extent of image.extents({ offset: 0, length: image.virtualSize })) {
      extents += 1;
      if (extents > EXTENTS_MAX || read > READ_MAX) break;
      if (extent.kind !== 'data') continue;
      const length = Math.min(extent.length, into.length);
      image.read(extent.offset, into.subarray(0, length));
      image.locate?.(extent);
      read += length;
    }
    return 'read';
  } catch (error) {
    if (error instanceof HyperError && error.code !== 'internal/unexpected') return 'refused';
    throw error;
  }
}
