import type { Extent } from '@hypersdk/domain';
import fc from 'fast-check';

const kinds = ['data', 'zero', 'hole'] as const;

/** Extents that tile a disk of `size` bytes; neighbours may be of one kind. */
export function extentsTiling(size: number, options: { readonly align?: number; readonly countMax?: number } = {}): fc.Arbitrary<readonly Extent[]> {
  const { align = 1, countMax = 16 } = options;
  if (size === 0) return fc.constant([]);
  const cut = fc.integer({ min: 1, max: Math.max(1, Math.ceil(size / align) - 1) }).map((step) => step * align);
  return fc
    .tuple(fc.uniqueArray(cut, { maxLength: countMax - 1 }), fc.array(fc.constantFrom(...kinds), { minLength: countMax, maxLength: countMax }))
    .map(([cuts, drawn]) => {
      const borders = [0, ...cuts.filter((border) => border < size).toSorted((a, b) => a - b), size];
      return borders
        .slice(1)
        .map((end, index) => ({ offset: borders[index] ?? 0, length: end - (borders[index] ?? 0), kind: drawn[index] ?? 'data' }));
    });
}
