import type { Ids } from '@hypersdk/ports';
import { SequentialIds } from '../fake/sequential-ids.ts';
import { checksOfIds, type OpenIds } from './ids-contract.ts';
import { type Mutant, proveChecks } from './prove-checks.ts';

let series = 0;
const open =
  (change: (ids: Ids) => Ids = (ids) => ids): OpenIds =>
  async () => ({ ids: change(new SequentialIds((series += 1))), pass: async () => {} });

const mutant = (flaw: string, breaks: string, change: (ids: Ids) => Ids): Mutant<OpenIds> => ({ flaw, breaks, subject: open(change) });

proveChecks<OpenIds>({
  port: 'ids',
  checksOf: checksOfIds,
  reference: open(),
  mutants: [
    mutant('writes lower case', 'an id is 26 characters of Crockford base32', (ids) => ({ next: () => ids.next().toLowerCase().replace('0', 'a') })),
    mutant('starts every process with the same id', 'ids are unique, also across processes', () => new SequentialIds(0)),
    mutant('counts down', 'an id made later sorts later', (ids) => {
      const made = Array.from({ length: 20_000 }, () => ids.next());
      return { next: () => made.pop() ?? '' };
    }),
  ],
});
