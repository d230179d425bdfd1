import { calm, effectJournalContract, MemoryTarget } from '@hypersdk/testkit';
import { openEffectJournal } from './effect-journal.ts';

effectJournalContract(async () => {
  const target = new MemoryTarget();
  return {
    journal: openEffectJournal(target),
    reopen: async () => openEffectJournal(target),
    damage: async () => {
      for await (const { name } of target.list('', calm)) {
        const bytes = await target.get(name, calm);
        return target.put(name, bytes.subarray(0, bytes.length / 2), { ...calm, ifAbsent: false });
      }
    },
  };
});
