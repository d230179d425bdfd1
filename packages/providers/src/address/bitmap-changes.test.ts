import { toDiskId } from '@hypersdk/domain';
import type { ExportableDisk, NbdLocator } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import { BitmapChanges } from './bitmap-changes.ts';

const remotes = { mark: ({ bitmap, pointInTime }: NbdLocator): string => `${bitmap ?? 'all'} at ${pointInTime}` };
const locator: NbdLocator = { kind: 'nbd', server: { path: '/s' }, exportName: '', allowsPlaintext: false, isSingle: false, pointInTime: 'tuesday' };
const held: ExportableDisk = { disk: { id: toDiskId('d'), label: 'd', virtualSize: 4096, location: 'nbd:' }, locator, mark: 'all at tuesday' };

describe('a dirty bitmap', () => {
  const changes = new BitmapChanges(remotes, 'monday');

  test('tells what changed since the point in time of its name', async () => {
    expect(await changes.since(held, 'all at monday')).toEqual({
      kind: 'changed',
      locator: { ...locator, bitmap: 'qemu:dirty-bitmap:monday' },
      mark: 'qemu:dirty-bitmap:monday at tuesday',
    });
  });

  test('tells nothing of any other time, and of the same time that nothing changed', async () => {
    expect(await changes.since(held, 'all at sunday')).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('monday') });
    expect(await changes.since(held, 'all at tuesday')).toEqual({ kind: 'unchanged' });
  });

  test('is nothing that a file has', async () => {
    const image = { kind: 'image', image: { path: '/x', format: 'raw', references: 'refuse' } } as const;
    expect(await changes.since({ ...held, locator: image }, 'all at monday')).toMatchObject({ kind: 'unknown' });
  });
});
