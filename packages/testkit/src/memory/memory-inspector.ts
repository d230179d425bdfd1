import { createHash } from 'node:crypto';
import { HyperError, type GuestLook, type ImageFormat, type ImageInfo, type ImageRef, type ReferencePolicy } from '@hypersdk/domain';
import type { Cancel, ImageInspector } from '@hypersdk/ports';
import type { MemoryFiles } from './memory-files.ts';

/** Looks at files in memory, all of which are raw images; one that begins with `refuse me` is none. */
export class MemoryInspector implements ImageInspector {
  readonly #files: MemoryFiles;

  constructor(files: MemoryFiles) {
    this.#files = files;
  }

  async probe(path: string, { signal }: Cancel): Promise<ImageFormat> {
    signal.throwIfAborted();
    this.#read(path);
    return 'raw';
  }

  async inspect(image: ImageRef, { signal }: Cancel): Promise<ImageInfo> {
    signal.throwIfAborted();
    const bytes = this.#read(image.path);
    const allocatedSize = bytes.reduce((count, byte) => count + (byte === 0 ? 0 : 1), 0);
    return {
      format: 'raw',
      virtualSize: bytes.length,
      allocatedSize,
      fileSize: bytes.length,
      unitSize: 1,
      references: [],
      snapshotCount: 0,
      details: {},
    };
  }

  /** Nothing in memory is a guest's disk. */
  async look(image: ImageRef, { signal }: Cancel): Promise<GuestLook> {
    signal.throwIfAborted();
    const size = this.#read(image.path).length;
    const volume = { place: 'disk', offset: 0, size, content: { kind: 'unknown', details: {} } } as const;
    return { table: 'none', sectorSize: 512, volumes: [volume], systems: [], firmwares: [], loaders: [], findings: [], complete: true };
  }

  async mark(image: ImageRef, { signal }: Cancel): Promise<string> {
    signal.throwIfAborted();
    return createHash('sha256').update(this.#read(image.path)).digest('hex');
  }

  /** Nothing in memory lies on anything. */
  async layerMarks(image: ImageRef, o: Cancel): Promise<readonly string[]> {
    return [await this.mark(image, o)];
  }

  async refer(path: string, o: Cancel & { readonly format?: ImageFormat; readonly references: ReferencePolicy }): Promise<ImageRef> {
    const found = await this.probe(path, o);
    if (o.format !== undefined && o.format !== found) throw new HyperError('image/format-mismatch', `${path} is ${found}, not ${o.format}.`);
    return { path, format: found, references: o.references };
  }

  #read(path: string): Uint8Array {
    const { bytes } = this.#files.open(this.#files.locate(path));
    if (Buffer.from(bytes.subarray(0, REFUSED.length)).equals(REFUSED))
      throw new HyperError('image/malformed', `${path} is refused as raw: it asks for it.`);
    return bytes;
  }
}

const REFUSED = Buffer.from('refuse me');
