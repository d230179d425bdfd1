import { blockSinkContract } from '@hypersdk/testkit';
import type { ImageSettings } from '@hypersdk/ports';
import { describe } from 'vitest';
import { MemoryFile } from '../file/memory-file.ts';
import { imageReaders } from './formats.ts';
import { ImageSink } from './image-sink.ts';

const SETTINGS: readonly ImageSettings[] = [
  { format: 'raw' },
  { format: 'qcow2' },
  { format: 'qcow2', compression: 'zstd' },
  { format: 'vmdk', subformat: 'monolithicSparse' },
  { format: 'vmdk', subformat: 'streamOptimized' },
  { format: 'vhd', subformat: 'dynamic' },
  { format: 'vhd', subformat: 'fixed' },
  { format: 'vdi', subformat: 'dynamic' },
  { format: 'vdi', subformat: 'static' },
];

describe.each(SETTINGS)('an image sink of %o', (settings) => {
  blockSinkContract(async (virtualSize) => {
    const file = new MemoryFile();
    let isDiscarded = false;
    const medium = { file, sync: async () => {}, publish: () => {}, discard: () => void (isDiscarded = true) };
    const sink = new ImageSink(medium, virtualSize, settings);
    return { sink, readBack: async () => (isDiscarded ? undefined : readDisk(file, settings, virtualSize)) };
  });
});

function readDisk(file: MemoryFile, settings: ImageSettings, virtualSize: number): Uint8Array | undefined {
  try {
    using image = imageReaders[settings.format].open(new MemoryFile(file.bytes.slice()), {
      references: 'refuse',
      depth: 0,
      openReference: () => {
        throw new Error('nothing is referred to');
      },
    });
    const content = new Uint8Array(image.virtualSize);
    image.read(0, content);
    return content.subarray(0, virtualSize);
  } catch {
    return undefined;
  }
}
