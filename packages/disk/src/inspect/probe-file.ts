import { HyperError, imageFormats, KIB, type ByteRange, type ImageFormat } from '@hypersdk/domain';
import type { ByteFile } from '../file/byte-file.ts';
import type { ImageReader } from '../format/disk-image.ts';
import { imageReaders } from '../format/formats.ts';

/** The signatures of most formats lie in the first bytes of the file. */
const HEAD_SIZE = 64 * KIB;
/** That of a fixed VHD lies in its last sector. */
const TAIL_SIZE = 512;

interface FileEnds {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  readonly size: number;
}

/** What of a file tells its format. */
export const endsOf = (size: number): { readonly head: ByteRange; readonly tail: ByteRange } => {
  const tailSize = Math.min(TAIL_SIZE, size);
  return { head: { offset: 0, length: Math.min(HEAD_SIZE, size) }, tail: { offset: size - tailSize, length: tailSize } };
};

/** The one format that the bytes of a file match; raw when none does. `path` is for messages. */
export function probeFile(file: Pick<ByteFile, 'size' | 'read' | 'path'>, path = file.path): ImageFormat {
  const { size } = file;
  const { head, tail } = endsOf(size);
  const read = ({ offset, length }: ByteRange): Uint8Array => {
    const bytes = new Uint8Array(length);
    file.read(offset, bytes);
    return bytes;
  };
  return probeEnds({ head: read(head), tail: read(tail), size }, path);
}

/** The same, for a file whose ends were read already. */
export function probeEnds({ head, tail, size }: FileEnds, path: string): ImageFormat {
  const matches = imageFormats.filter((format) => {
    const reader: ImageReader = imageReaders[format];
    return reader.probe(head) || (reader.probeTail?.(tail, size) ?? false);
  });
  if (matches.length > 1) {
    throw new HyperError('image/malformed', `${path} carries the signatures of several formats at once: ${matches.join(', ')}.`, {
      detail: { path, matches },
    });
  }
  return matches[0] ?? 'raw';
}
