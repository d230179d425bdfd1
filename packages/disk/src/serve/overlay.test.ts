import { endOf } from '@hypersdk/domain';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Overlay, type OverlayBase } from './overlay.ts';

const SIZE = 10 * 4096 + 1000;
const HOLE_FROM = 5 * 4096;

const content = Buffer.alloc(SIZE);
for (let at = 0; at < HOLE_FROM; at += 1) content[at] = 1 + (at % 250);

const base: OverlayBase = {
  size: SIZE,
  read: async ({ offset, length }) => Uint8Array.from(content.subarray(offset, offset + length)),
  extents: async (range) => {
    const cut = Math.max(range.offset, Math.min(endOf(range), HOLE_FROM));
    return [
      { offset: range.offset, length: cut - range.offset, kind: 'data' as const },
      { offset: cut, length: endOf(range) - cut, kind: 'hole' as const },
    ].filter(({ length }) => length > 0);
  },
};

const range = fc
  .tuple(fc.nat(SIZE - 1), fc.integer({ min: 1, max: 3 * 4096 }))
  .map(([offset, length]) => ({ offset, length: Math.min(length, SIZE - offset) }));
const step = fc.tuple(range, fc.constantFrom('write', 'zero'));

test('an overlay reads as the disk below with all writes on top, and says where data can be', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      await using overlay = await Overlay.open(base);
      const model = Buffer.from(content);
      for (const [{ offset, length }, kind] of steps) {
        const value = kind === 'write' ? 0xee : 0;
        model.fill(value, offset, offset + length);
        await (kind === 'write' ? overlay.write(offset, Buffer.alloc(length, value)) : overlay.zero({ offset, length }));
      }
      expect(Buffer.compare(await overlay.read({ offset: 0, length: SIZE }), model)).toBe(0);
      expect(Buffer.compare(await overlay.read({ offset: 4000, length: 5000 }), model.subarray(4000, 9000))).toBe(0);
      let at = 0;
      for (const extent of await overlay.extents({ offset: 0, length: SIZE }, 1000)) {
        expect(extent.offset).toBe(at);
        at = endOf(extent);
        if (extent.kind !== 'data') expect(model.subarray(extent.offset, at).every((byte) => byte === 0)).toBe(true);
      }
      expect(at).toBe(SIZE);
    }),
    { numRuns: 60 },
  );
});

test('writes that share a block, made at once, are all kept', async () => {
  await using overlay = await Overlay.open(base);
  await Promise.all(Array.from({ length: 100 }, (_, index) => overlay.write(index * 41, Buffer.alloc(41, index + 1))));
  const bytes = await overlay.read({ offset: 0, length: 4100 });
  for (let index = 0; index < 100; index += 1) expect(bytes[index * 41 + 20]).toBe(index + 1);
});
