import type { History } from '@hypersdk/ports';
import { MemoryHistory } from '../memory/memory-history.ts';
import { calm } from './expectations.ts';
import { checksOfHistory, type OpenHistory } from './history-contract.ts';
import { mutate } from './mutate.ts';
import { type Mutant, proveChecks } from './prove-checks.ts';

const all = { ...calm, limit: 100 };

/** A history that outlives its handle and one of whose records can be damaged: damaged records are left out. */
function reference(): ReturnType<OpenHistory> {
  const history = new MemoryHistory();
  const damaged = new Set<string>();
  const healthy = mutate<History>(history, { list: async (o) => (await history.list(o)).filter(({ id }) => !damaged.has(id)) });
  return Promise.resolve({ history: healthy, reopen: async () => healthy, damage: async (id) => void damaged.add(id) });
}

function mutant(flaw: string, breaks: string, change: (history: History) => Partial<History>): Mutant<OpenHistory> {
  return {
    flaw,
    breaks,
    subject: async () => {
      const history = new MemoryHistory();
      return { history: mutate<History>(history, change(history)) };
    },
  };
}

proveChecks<OpenHistory>({
  port: 'history',
  checksOf: checksOfHistory,
  reference,
  mutants: [
    {
      flaw: 'forgets everything when the process ends',
      breaks: 'an entry is found as it was recorded, also by the next process',
      subject: async () => ({ history: new MemoryHistory(), reopen: async () => new MemoryHistory() }),
    },
    mutant('drops the error of an entry', 'an entry is found as it was recorded, also by the next process', (history) => ({
      record: ({ error: _, ...entry }, o) => history.record(entry, o),
    })),
    mutant('finds the newest for an unknown id', 'an unknown id finds nothing', (history) => ({
      find: async (id, o) => (await history.find(id, o)) ?? (await history.list(all))[0],
    })),
    mutant('keeps the first entry of an id', 'recording an id again replaces its entry', (history) => ({
      record: async (entry, o) => ((await history.find(entry.id, o)) ? undefined : history.record(entry, o)),
    })),
    mutant('lists oldest first', 'a list is newest first and no longer than asked for', (history) => ({
      list: async (o) => (await history.list(o)).toReversed(),
    })),
    mutant('ignores the limit', 'a list is newest first and no longer than asked for', (history) => ({
      list: (o) => history.list({ ...o, limit: 100 }),
    })),
    mutant('loses entries that come at the same time', 'entries recorded at the same time are all kept', (history) => {
      let busy = false;
      return {
        record: async (entry, o) => {
          if (busy) return;
          busy = true;
          await history.record(entry, o);
          busy = false;
        },
      };
    }),
    {
      flaw: 'fails as a whole when one record is damaged',
      breaks: 'a record that cannot be read is left out, and the others stay',
      subject: async () => {
        const history = new MemoryHistory();
        const broken = mutate<History>(history, { list: () => Promise.reject(new SyntaxError('Unexpected end of JSON input')) });
        return { history, reopen: async () => broken, damage: async () => {} };
      },
    },
    mutant('records although it was cancelled', 'cancelled calls reject with the reason and record nothing', (history) => ({
      record: async (entry, { signal }) => {
        await history.record(entry, calm);
        signal.throwIfAborted();
      },
    })),
  ],
});
