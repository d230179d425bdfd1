import { describe, expect, test } from 'vitest';
import { linkCalled } from './build-links.ts';
import { planRetirement } from './plan-retirement.ts';

const full = linkCalled('web-01', { minute: 1 });
const first = linkCalled('web-01.0001', { minute: 2, parent: full });
const second = linkCalled('web-01.0002', { minute: 3, parent: first });
const flat = linkCalled('web-01.0003', { minute: 4, manifest: { flattenedFrom: { exportId: second.manifest.exportId, export: second.name } } });
const names = (links: readonly { readonly name: string }[]): readonly string[] => links.map(({ name }) => name);

describe('what a flattened export replaces', () => {
  test('is the link that it was made of and all below it, from the top', () => {
    const { retire, keep } = planRetirement([full, first, second, flat], flat);
    expect([names(retire), keep]).toEqual([['web-01.0002', 'web-01.0001', 'web-01'], []]);
  });

  test('is not what another export lies on, and which one that is is told', () => {
    const branch = linkCalled('web-01.0004', { minute: 5, parent: first });
    const { retire, keep } = planRetirement([full, first, second, flat, branch], flat);
    expect(names(retire)).toEqual(['web-01.0002']);
    expect(keep.map(({ link, because }) => [link.name, because])).toEqual([
      ['web-01.0001', 'web-01.0004'],
      ['web-01', 'web-01.0004'],
    ]);
  });

  test('is untouched by what lies on the flattened export itself', () => {
    const later = linkCalled('web-01.0004', { minute: 5, parent: flat });
    expect(names(planRetirement([full, first, second, flat, later], flat).retire)).toHaveLength(3);
  });

  test('is nothing when it was pruned before, and an error for an export that was not made of a chain', () => {
    expect(planRetirement([flat], flat)).toEqual({ retire: [], keep: [] });
    expect(() => planRetirement([full, first], full)).toThrow('not made of a chain');
  });
});
