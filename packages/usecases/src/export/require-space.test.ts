import type { StorageTarget } from '@hypersdk/ports';
import { calm, MemoryFolder } from '@hypersdk/testkit';
import { expect, test } from 'vitest';
import { requireSpace } from './require-space.ts';

const withFree = (free: number | undefined, mayShareBlocks = false): StorageTarget =>
  Object.assign(new MemoryFolder('/backup'), { usage: async () => (free === undefined ? {} : { free, mayShareBlocks }) });

test('a target that is too small is refused with figures', async () => {
  await expect(requireSpace(withFree(1024), { needed: 4096, settings: { format: 'raw' } }, calm)).rejects.toMatchObject({
    code: 'target/full',
    message: expect.stringContaining('/backup has 1 KiB free (1024 bytes), and up to 4 KiB (4096 bytes) are to be written'),
    detail: { free: 1024, needed: 4096 },
  });
});

test.each([
  ['it fits', 4096, {}],
  ['nobody knows what is free', undefined, {}],
  ['what is replaced makes room', 1024, { freed: 3072 }],
  ['compression may make it fit', 1024, { settings: { format: 'qcow2', compression: 'zstd' } }],
] as const)('it is let through when %s', async (_, free, more) => {
  await expect(requireSpace(withFree(free), { needed: 4096, settings: { format: 'raw' }, ...more }, calm)).resolves.toBeUndefined();
});

test('it is let through where blocks may be shared', async () => {
  await expect(requireSpace(withFree(1024, true), { needed: 4096, settings: { format: 'raw' } }, calm)).resolves.toBeUndefined();
});
