import { expect } from 'vitest';
import type { Check } from './check.ts';
import type { ArrangeProvider, ProviderFacets } from './provider-contract.ts';

/** What a session promises as a whole. */
export const sessionChecks = (arrange: ArrangeProvider, facets: ProviderFacets): readonly Check[] => [
  {
    name: 'the facets are exactly those that were named',
    run: async () => {
      await using subject = await arrange();
      await using session = await subject.open();
      expect(Object.keys(session.facets).toSorted()).toEqual([...facets].toSorted());
      expect(Object.values(session.facets).every((facet) => facet !== undefined)).toBe(true);
    },
  },
  {
    name: 'disposing a session again is no error',
    run: async () => {
      await using subject = await arrange();
      const session = await subject.open();
      await session[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
    },
  },
];
