import type { EffectJournal } from '@hypersdk/ports';
import { MemoryEffectJournal } from '../memory/memory-effect-journal.ts';
import { checksOfEffectJournal, type OpenEffectJournal } from './effect-journal-contract.ts';
import { calm } from './expectations.ts';
import { mutate } from './mutate.ts';
import { type Mutant, proveChecks } from './prove-checks.ts';

/** A journal that outlives its handle and one of whose records can be damaged. */
function reference(): ReturnType<OpenEffectJournal> {
  const journal = new MemoryEffectJournal();
  let damaged = 0;
  const readable = mutate<EffectJournal>(journal, {
    list: async (o) => {
      const all = await journal.list(o);
      for (const _ of all.slice(0, damaged)) o.onProblem?.('unreadable');
      return all.slice(damaged);
    },
  });
  return Promise.resolve({ journal: readable, reopen: async () => readable, damage: async () => void (damaged = 1) });
}

function mutant(flaw: string, breaks: string, change: (journal: EffectJournal) => Partial<EffectJournal>): Mutant<OpenEffectJournal> {
  return {
    flaw,
    breaks,
    subject: async () => {
      const journal = new MemoryEffectJournal();
      return { journal: mutate<EffectJournal>(journal, change(journal)) };
    },
  };
}

proveChecks<OpenEffectJournal>({
  port: 'effect journal',
  checksOf: checksOfEffectJournal,
  reference,
  mutants: [
    {
      flaw: 'forgets everything when the process ends',
      breaks: 'what was intended is known to the next process, field by field',
      subject: async () => ({ journal: new MemoryEffectJournal(), reopen: async () => new MemoryEffectJournal() }),
    },
    mutant('drops the VM', 'what was intended is known to the next process, field by field', (journal) => ({
      intend: ({ vm: _, ...effect }, o) => journal.intend(effect, o),
    })),
    mutant('settles all that its run made', 'what was settled is forgotten, and only that', (journal) => ({
      settle: async ({ run }, o) => {
        for (const { effect } of await journal.list(o)) if (effect.run === run) await journal.settle(effect, o);
      },
    })),
    mutant('fails on what is unknown', 'saying anything twice is saying it once, and settling what is unknown is no error', (journal) => ({
      settle: async (effect, o) => {
        if ((await journal.list(o)).length === 0) throw new Error('unknown');
        await journal.settle(effect, o);
      },
    })),
    mutant('forgets what is kept', 'what is kept is listed as kept, until it is settled', (journal) => ({
      keep: (effect, o) => journal.settle(effect, o),
    })),
    mutant('knows effects by their name alone', 'effects that differ in one field are two', (journal) => ({
      intend: async (effect, o) => {
        for (const known of await journal.list(o)) if (known.effect.name === effect.name) await journal.settle(known.effect, o);
        await journal.intend(effect, o);
      },
    })),
    {
      flaw: 'fails as a whole when one record is damaged',
      breaks: 'a record that cannot be read is told, and the others stay',
      subject: async () => {
        let isDamaged = false;
        const journal = new MemoryEffectJournal();
        const broken = mutate<EffectJournal>(journal, {
          list: (o) => (isDamaged ? Promise.reject(new SyntaxError('Unexpected end of JSON input')) : journal.list(o)),
        });
        return { journal: broken, damage: async () => void (isDamaged = true) };
      },
    },
    mutant('settles although it was cancelled', 'cancelled calls reject with the reason and change nothing', (journal) => ({
      settle: async (effect, { signal }) => {
        await journal.settle(effect, calm);
        signal.throwIfAborted();
      },
    })),
  ],
});
