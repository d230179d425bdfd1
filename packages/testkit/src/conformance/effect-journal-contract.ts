import { toConnectionId, toVMId, type SourceEffect } from '@hypersdk/domain';
import type { EffectJournal, JournalledEffect } from '@hypersdk/ports';
import { expect } from 'vitest';
import { type Check, registerChecks } from './check.ts';
import { calm, expectCancelled } from './expectations.ts';

export interface EffectJournalSubject {
  readonly journal: EffectJournal;
  /** The same records as the next process sees them; absent when nothing outlives the process. */
  reopen?(): Promise<EffectJournal>;
  /** Makes one record unreadable; absent where that cannot be. */
  damage?(): Promise<void>;
}

export type OpenEffectJournal = () => Promise<EffectJournalSubject>;

/** What every journal of effects promises. `open` answers a fresh, empty one. */
export function effectJournalContract(open: OpenEffectJournal): void {
  registerChecks('effect journal', checksOfEffectJournal(open));
}

export const checksOfEffectJournal = (open: OpenEffectJournal): readonly Check[] => [...checksOfRecords(open), ...checksOfTrouble(open)];

const checksOfRecords = (open: OpenEffectJournal): readonly Check[] => [
  {
    name: 'what was intended is known to the next process, field by field',
    run: async () => {
      const { journal, reopen } = await open();
      await journal.intend(snapshot, calm);
      await journal.intend(scratchFile, calm);
      await expectListed((await reopen?.()) ?? journal, [pending(snapshot), pending(scratchFile)]);
    },
  },
  {
    name: 'what was settled is forgotten, and only that',
    run: async () => {
      const { journal } = await open();
      await journal.intend(snapshot, calm);
      await journal.intend(scratchFile, calm);
      await journal.settle(snapshot, calm);
      await expectListed(journal, [pending(scratchFile)]);
    },
  },
  {
    name: 'saying anything twice is saying it once, and settling what is unknown is no error',
    run: async () => {
      const { journal } = await open();
      await journal.settle(snapshot, calm);
      await journal.intend(snapshot, calm);
      await journal.intend(snapshot, calm);
      await expectListed(journal, [pending(snapshot)]);
      await journal.settle(snapshot, calm);
      await journal.settle(snapshot, calm);
      await expectListed(journal, []);
    },
  },
  {
    name: 'what is kept is listed as kept, until it is settled',
    run: async () => {
      const { journal, reopen } = await open();
      await journal.intend(snapshot, calm);
      await journal.keep(snapshot, calm);
      await expectListed((await reopen?.()) ?? journal, [{ effect: snapshot, isKept: true }]);
      await journal.keep(snapshot, { ...calm, keptFor: '/backup/web-01' });
      await expectListed((await reopen?.()) ?? journal, [{ effect: snapshot, isKept: true, keptFor: '/backup/web-01' }]);
      await journal.settle(snapshot, calm);
      await expectListed(journal, []);
    },
  },
  {
    name: 'effects that differ in one field are two',
    run: async () => {
      const { journal } = await open();
      const changes: readonly Partial<SourceEffect>[] = [
        { run: 'run-2' },
        { connection: toConnectionId('lab-2') },
        { vm: toVMId('vm-2') },
        { kind: 'checkpoint' },
        { name: `${snapshot.name}/` },
      ];
      const all = [snapshot, ...changes.map((change) => ({ ...snapshot, ...change }))];
      for (const effect of all) await journal.intend(effect, calm);
      await expectListed(journal, all.map(pending));
    },
  },
];

const checksOfTrouble = (open: OpenEffectJournal): readonly Check[] => [
  {
    name: 'a record that cannot be read is told, and the others stay',
    run: async () => {
      const { journal, damage } = await open();
      for (const effect of [snapshot, scratchFile]) await journal.intend(effect, calm);
      await damage?.();
      const problems: string[] = [];
      const found = await journal.list({ ...calm, onProblem: (problem) => void problems.push(problem) });
      expect(found).toHaveLength(damage ? 1 : 2);
      expect(problems).toHaveLength(damage ? 1 : 0);
    },
  },
  {
    name: 'cancelled calls reject with the reason and change nothing',
    run: async () => {
      const { journal } = await open();
      await journal.intend(snapshot, calm);
      await expectCancelled((o) => journal.intend(scratchFile, o));
      await expectCancelled((o) => journal.keep(snapshot, o));
      await expectCancelled((o) => journal.settle(snapshot, o));
      await expectCancelled((o) => journal.list(o));
      await expectListed(journal, [pending(snapshot)]);
    },
  },
];

const snapshot: SourceEffect = {
  run: 'run-1',
  provider: 'memory',
  connection: toConnectionId('lab'),
  vm: toVMId('vm-1'),
  kind: 'snapshot',
  name: 'hypersdk-run-1',
};
/** Names are whatever the source takes: a path, blanks, other scripts. */
const scratchFile: SourceEffect = {
  run: 'run-1',
  provider: 'memory',
  connection: toConnectionId('lab'),
  kind: 'scratch-file',
  name: '/var/tmp/../Größe 1/"x"\n',
};

const pending = (effect: SourceEffect): JournalledEffect => ({ effect, isKept: false });

async function expectListed(journal: EffectJournal, expected: readonly JournalledEffect[]): Promise<void> {
  const found = await journal.list(calm);
  expect(found).toHaveLength(expected.length);
  expect(found).toEqual(expect.arrayContaining([...expected]));
}
