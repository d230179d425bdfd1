import { endOf, HyperError, imageFormats, type ImageFormat } from '@hypersdk/domain';
import type { ByteFile } from '../../packages/disk/src/file/byte-file.ts';
import type { DiskImage, OpenOptions } from '../../packages/disk/src/format/disk-image.ts';
import { imageReaders } from '../../packages/disk/src/format/formats.ts';
import { probeFile } from '../../packages/disk/src/inspect/probe-file.ts';
import type { FuzzReader } from '../engine/fuzz-reader.ts';
import { fileNamed, type Sample } from '../engine/sample.ts';
import { imageSeeds } from './image-seeds.ts';
import { mendVhd } from './mend-vhd.ts';
import { mendVhdx } from './mend-vhdx.ts';

/** A damaged size may claim a vast disk; this much of it is looked at. */
const EXTENTS_MAX = 200;
const READS_MAX = 40;
const READ_SIZE = 4096;
/** What `inspect` prints of an image. */
const INFO_LENGTH_MAX = 64 * 1024;
const into = new Uint8Array(READ_SIZE);

const MENDS: Partial<Record<ImageFormat, FuzzReader['mend']>> = { vhd: mendVhd, vhdx: mendVhdx };

export function imageReader(format: Exclude<ImageFormat, 'raw'>): FuzzReader {
  const mend = MENDS[format];
  return { changes: 'places', seeds: () => imageSeeds(format), execute: (sample) => readImage(format, sample), ...(mend ? { mend } : {}) };
}

/** Does with an image what a copy does, as far as its promises can be checked without knowing its content. */
function readImage(format: ImageFormat, sample: Sample): void {
  const [top] = sample.files;
  if (!top) return;
  using image = imageReaders[format].open(top, optionsFor(sample));
  if (JSON.stringify(image.info).length > INFO_LENGTH_MAX) throw new Error('The description is too long.');
  walk(image, { offset: 0, length: image.virtualSize });
  const third = Math.floor(image.virtualSize / 3);
  walk(image, { offset: third, length: Math.min(third, READ_SIZE * 3) });
  readAt(image, image.virtualSize - READ_SIZE);
  readAt(image, third);
}

const optionsFor = (sample: Sample): OpenOptions => ({
  references: 'beside',
  depth: 0,
  openReference: (name) => {
    const found = fileNamed(sample, name);
    if (!found) throw new HyperError('source/not-found', `There is no ${JSON.stringify(name.slice(0, 200))}.`);
    return found;
  },
  openImage: (file: ByteFile, format: ImageFormat, o: OpenOptions) => imageReaders[format].open(file, o),
});

/** Extents tile their range in order; what is not data reads as zeros. */
function walk(image: DiskImage, range: { readonly offset: number; readonly length: number }): void {
  let at = range.offset;
  let count = 0;
  let reads = 0;
  for (const extent of image.extents(range)) {
    if (extent.offset !== at || !(extent.length > 0) || endOf(extent) > endOf(range)) {
      throw new Error(
        `An extent lies at ${extent.offset} and has ${extent.length} bytes, but the last one ended at ${at} and the range ends at ${endOf(range)}.`,
      );
    }
    at = endOf(extent);
    count += 1;
    if (count > EXTENTS_MAX) return;
    if (reads >= READS_MAX) continue;
    reads += 1;
    readAt(image, extent.offset, extent.length);
    if (extent.kind !== 'data' && into.subarray(0, Math.min(READ_SIZE, extent.length)).some((byte) => byte !== 0))
      throw new Error(`What is ${extent.kind} at ${extent.offset} does not read as zeros.`);
    if (extent.kind === 'data') image.locate?.(extent);
  }
  if (at !== endOf(range)) throw new Error(`The extents end at ${at} instead of ${endOf(range)}.`);
}

function readAt(image: DiskImage, offset: number, room = READ_SIZE): void {
  const start = Math.max(0, offset);
  image.read(start, into.subarray(0, Math.min(READ_SIZE, room, image.virtualSize - start)));
}

/** What any file is taken for, and raw disks. */
export const probeReader: FuzzReader = {
  changes: 'places',
  seeds: async () =>
    (await Promise.all(imageFormats.map(async (format) => (format === 'raw' ? [] : (await imageSeeds(format)).slice(0, 12))))).flat(),
  execute: ({ files: [file] }) => {
    if (!file) return;
    probeFile(file);
    using image = imageReaders.raw.open(file, optionsFor({ files: [file] }));
    walk(image, { offset: 0, length: image.virtualSize });
  },
};
