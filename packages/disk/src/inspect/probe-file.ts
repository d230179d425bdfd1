import { HyperError, imageFormats, KIB, type ImageFormat } from '@hypersdk/domain';
import type { ByteFile } from '../file/byte-file.ts';
import type { ImageReader } from '../format/disk-image.ts';
import { imageReaders } from '../format/formats.ts';

/** The signatures of most formats lie in the first bytes of the file. */
const HEAD_SIZE = 64 * KIB;
/** That of a fixed VHD lies in its last sector. */
const TAIL_SIZE = 512;

/** The one format that the bytes of a file match; raw when none does. `path` is for messages. */
export function probeFile(file: Pick<ByteFile, 'size' | 'read' | 'path'>, path = file.path): ImageFormat {
  const head = new Uint8Array(Math.min(HEAD_SIZE, file.size));
  file.read(0, head);
  const tail = new Uint8Array(Math.min(TAIL_SIZE, file.size));
  file.read(file.size - tail.length, tail);
  const matches = imageFormats.filter((format) => {
    const reader: ImageReader = imageReaders[format];
    return reader.probe(head) || (reader.probeTail?.(tail, file.size) ?? false);
  });
  if (matches.length > 1) {
    throw new HyperError('image/malformed', `${path} carries the signatures of several formats at once: ${matches.join(', ')}.`, {
      detail: { path, matches },
    });
  }
  return matches[0] ?? 'raw';
}
