import { endOf, HyperError, imageFormats, type ByteRange, type ImageFormat, type ReferencePolicy } from '@hypersdk/domain';
import type { ByteFile } from '../../packages/disk/src/file/byte-file.ts';
import type { DiskImage, OpenOptions } from '../../packages/disk/src/format/disk-image.ts';
import { imageReaders } from '../../packages/disk/src/format/formats.ts';
import { probeFile } from '../../packages/disk/src/inspect/probe-file.ts';
import { isZero } from '../../packages/disk/src/stream/is-zero.ts';
import type { FuzzReader } from '../engine/fuzz-reader.ts';
import { fileNamed, type Sample } from '../engine/sample.ts';
import { hostileSeeds, imageSeeds } from './image-seeds.ts';
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
  return {
    changes: 'places',
    seeds: () => imageSeeds(format),
    hostile: () => hostileSeeds(format),
    execute: (sample) => readImage(format, sample),
    ...(mend ? { mend } : {}),
  };
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
  // Files that the caller names are found in another way.
  const listed = sample.files.slice(1).map(({ path }) => path);
  if (listed.length > 0) imageReaders[format].open(top, optionsFor(sample, { listed }))[Symbol.dispose]();
}

const optionsFor = (sample: Sample, references: ReferencePolicy = 'beside'): OpenOptions => ({
  references,
  depth: 0,
  openReference: (name) => {
    const found = fileNamed(sample, name);
    if (!found) throw new HyperError('source/not-found', `There is no ${JSON.stringify(name.slice(0, 200))}.`);
    return found;
  },
  openImage: (file: ByteFile, format: ImageFormat, o: OpenOptions) => imageReaders[format].open(file, o),
});

/** Extents tile their range in order; what is not data reads as zeros. */
function walk(image: DiskImage, range: ByteRange): void {
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
    if (extent.kind !== 'data' && !isZero(into.subarray(0, Math.min(READ_SIZE, extent.length))))
      throw new Error(`What is ${extent.kind} at ${extent.offset} does not read as zeros.`);
    if (extent.kind === 'data') checkPlace(image, extent);
  }
  if (at !== endOf(range)) throw new Error(`The extents end at ${at} instead of ${endOf(range)}.`);
}

/** What is said to lie in a file lies inside one. */
function checkPlace(image: DiskImage, extent: ByteRange): void {
  const run = image.locate?.(extent);
  if (!run) return;
  const isInside =
    run.fileOffset >= 0 && run.length > 0 && run.length <= extent.length && image.files.some(({ size }) => run.fileOffset + run.length <= size);
  if (!isInside) throw new Error(`${run.length} bytes at ${run.fileOffset} are said to lie in a file.`);
}

function readAt(image: DiskImage, offset: number, room = READ_SIZE): void {
  const start = Math.max(0, offset);
  image.read(start, into.subarray(0, Math.min(READ_SIZE, room, image.virtualSize - start)));
}

/** What any file is taken for, and raw disks. */
export const probeReader: FuzzReader = {
  changes: 'places',
  seeds: async () => {
    const formats = imageFormats.filter((format) => format !== 'raw');
    return (await Promise.all(formats.map(imageSeeds))).flat();
  },
  execute: ({ files: [file] }) => {
    if (!file) return;
    probeFile(file);
    using image = imageReaders.raw.open(file, optionsFor({ files: [file] }));
    walk(image, { offset: 0, length: image.virtualSize });
  },
};
