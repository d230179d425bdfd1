import type { Ids } from '@hypersdk/ports';
import { expect } from 'vitest';
import { type Check, registerChecks } from './check.ts';

export interface IdsSubject {
  readonly ids: Ids;
  /** Lets so many milliseconds go by. */
  pass(ms: number): Promise<void>;
}

export type OpenIds = () => Promise<IdsSubject>;

/** What every generator of ids promises. Each `open` stands for another process. */
export function idsContract(open: OpenIds): void {
  registerChecks('ids', checksOfIds(open));
}

const CROCKFORD_BASE32 = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const MANY = 5000;

export const checksOfIds = (open: OpenIds): readonly Check[] => [
  {
    name: 'an id is 26 characters of Crockford base32',
    run: async () => {
      const { ids } = await open();
      for (let round = 0; round < 100; round += 1) expect(ids.next()).toMatch(CROCKFORD_BASE32);
    },
  },
  {
    name: 'ids are unique, also across processes',
    run: async () => {
      const generators = [await open(), await open()];
      const made = generators.flatMap(({ ids }) => Array.from({ length: MANY }, () => ids.next()));
      expect(new Set(made).size).toBe(2 * MANY);
    },
  },
  {
    name: 'an id made later sorts later',
    run: async () => {
      const { ids, pass } = await open();
      let last = '';
      for (let round = 0; round < 5; round += 1) {
        const next = ids.next();
        expect(next > last, `${next} after ${last}`).toBe(true);
        last = next;
        await pass(3);
      }
    },
  },
];
