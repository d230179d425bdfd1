import type { History, HistoryEntry } from '@hypersdk/ports';
import { expect } from 'vitest';
import { type Check, registerChecks } from './check.ts';
import { calm, expectCancelled } from './expectations.ts';

export interface HistorySubject {
  readonly history: History;
  /** The same records as the next process sees them; absent when nothing outlives the process. */
  reopen?(): Promise<History>;
  /** Makes the record with this id unreadable; absent where that cannot be. */
  damage?(id: string): Promise<void>;
}

export type OpenHistory = () => Promise<HistorySubject>;

/** What every history promises. `open` answers a fresh, empty one. */
export function historyContract(open: OpenHistory): void {
  registerChecks('history', checksOfHistory(open));
}

const all = { ...calm, limit: 100 };

export const checksOfHistory = (open: OpenHistory): readonly Check[] => [
  {
    name: 'an entry is found as it was recorded, also by the next process',
    run: async () => {
      const { history, reopen } = await open();
      const entry = { ...entryOf(1), error: { code: 'target/full', message: 'The target is full.' }, bytes: 2 ** 41, vms: ['web-01', 'db'] };
      await history.record(entry, calm);
      expect(await history.find(entry.id, calm)).toEqual(entry);
      expect(await ((await reopen?.()) ?? history).list(all)).toEqual([entry]);
    },
  },
  {
    name: 'an unknown id finds nothing',
    run: async () => {
      const { history } = await open();
      await history.record(entryOf(1), calm);
      expect(await history.find(entryOf(2).id, calm)).toBeUndefined();
      expect(await history.find('../escape', calm)).toBeUndefined();
    },
  },
  {
    name: 'recording an id again replaces its entry',
    run: async () => {
      const { history } = await open();
      await history.record(entryOf(1), calm);
      const finished = { ...entryOf(1), state: 'succeeded', finishedAt: '2026-01-01T01:00:00.000Z' } as const;
      await history.record(finished, calm);
      expect(await history.list(all)).toEqual([finished]);
    },
  },
  {
    name: 'a list is newest first and no longer than asked for',
    run: async () => {
      const { history } = await open();
      for (const number of [1, 2, 3]) await history.record(entryOf(number), calm);
      expect((await history.list(all)).map(({ id }) => id)).toEqual([entryOf(3).id, entryOf(2).id, entryOf(1).id]);
      expect((await history.list({ ...calm, limit: 2 })).map(({ id }) => id)).toEqual([entryOf(3).id, entryOf(2).id]);
    },
  },
  {
    name: 'entries recorded at the same time are all kept',
    run: async () => {
      const { history } = await open();
      await Promise.all(Array.from({ length: 8 }, (_, index) => history.record(entryOf(index + 1), calm)));
      expect(await history.list(all)).toHaveLength(8);
    },
  },
  {
    name: 'a record that cannot be read is left out, and the others stay',
    run: async () => {
      const { history, reopen, damage } = await open();
      for (const number of [1, 2, 3]) await history.record(entryOf(number), calm);
      await damage?.(entryOf(2).id);
      const seen = await ((await reopen?.()) ?? history).list(all);
      expect(seen.map(({ id }) => id)).toEqual(damage ? [entryOf(3).id, entryOf(1).id] : [entryOf(3).id, entryOf(2).id, entryOf(1).id]);
    },
  },
  {
    name: 'cancelled calls reject with the reason and record nothing',
    run: async () => {
      const { history } = await open();
      await expectCancelled((o) => history.record(entryOf(1), o));
      await expectCancelled((o) => history.list({ ...o, limit: 1 }));
      await expectCancelled((o) => history.find('x', o));
      expect(await history.list(all)).toEqual([]);
    },
  },
];

/** Ids and times grow together with the number. */
const entryOf = (number: number): HistoryEntry => ({
  id: `01JGFJJZ00000000000000000${number}`,
  command: 'export',
  state: 'running',
  startedAt: `2026-01-01T00:00:0${number}.000Z`,
  source: 'images/web-01.qcow2',
  target: 'exports/web-01',
  resume: ['export', 'images/web-01.qcow2', '--to', 'exports'],
});
