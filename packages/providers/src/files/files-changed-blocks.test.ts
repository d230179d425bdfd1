import { toDiskId } from '@hypersdk/domain';
import type { ExportableDisk, ImageLocator } from '@hypersdk/ports';
import { calm, MemoryFolder, MemoryInspector } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { FilesChangedBlocks } from './files-changed-blocks.ts';

/** A chain of three: each image is known by its own mark, and with fewer layers by theirs. */
class ChainInspector extends MemoryInspector {
  override async layerMarks(): Promise<readonly string[]> {
    return ['top', 'middle', 'base'];
  }
  override async mark({ layers }: ImageLocator['image']): Promise<string> {
    return layers === undefined ? 'top' : `the upper ${layers}`;
  }
}

const image: ImageLocator = { kind: 'image', image: { path: '/top.qcow2', format: 'qcow2', references: 'beside' } };
const held: ExportableDisk = { disk: { id: toDiskId('d'), label: 'd', virtualSize: 4096, location: '/top.qcow2' }, locator: image, mark: 'top' };

describe('an overlay', () => {
  const changes = new FilesChangedBlocks(new ChainInspector(new MemoryFolder()));

  test.each([
    ['middle', 1],
    ['base', 2],
  ])('tells what changed since the image with the mark %s, by the images above it', async (mark, layers) => {
    expect(await changes.since(held, mark, calm)).toEqual({
      kind: 'changed',
      locator: { kind: 'image', image: { ...image.image, layers } },
      mark: `the upper ${layers}`,
    });
  });

  test('did not change when its own mark is the same, and tells nothing of an image that it does not lie on', async () => {
    expect(await changes.since(held, 'top', calm)).toEqual({ kind: 'unchanged' });
    expect(await changes.since(held, 'other', calm)).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('lies on none') });
  });

  test('is qcow2: any other file tells nothing', async () => {
    const raw = { ...image, image: { ...image.image, format: 'raw' } } as const;
    expect(await changes.since({ ...held, locator: raw }, 'base', calm)).toMatchObject({ kind: 'unknown' });
  });
});
