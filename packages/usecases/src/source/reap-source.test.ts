import { HyperError, toConnectionId, toVMId, type SourceEffect } from '@hypersdk/domain';
import type { Residue } from '@hypersdk/ports';
import { calm, MemoryEffectJournal } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { reapSource, type ReapRequest } from './reap-source.ts';

const connection = toConnectionId('lab');

const effectOf = (kind: SourceEffect['kind'], run = 'dead', name = `${kind}-${run}`): SourceEffect => ({
  run,
  provider: 'memory',
  connection,
  vm: toVMId('vm-1'),
  kind,
  name,
});

/** A source that holds what it is given and takes it away when told to. */
function sourceWith(...effects: readonly SourceEffect[]) {
  const held = [...effects];
  const undone: string[] = [];
  const residue: Residue = {
    find: async function* () {
      yield* held.slice();
    },
    undo: async ({ name }) => {
      undone.push(name);
      const at = held.findIndex((effect) => effect.name === name);
      if (at !== -1) held.splice(at, 1);
      return at !== -1;
    },
  };
  return { residue, undone, held };
}

async function journalWith(...effects: readonly SourceEffect[]): Promise<MemoryEffectJournal> {
  const journal = new MemoryEffectJournal();
  for (const effect of effects) await journal.intend(effect, calm);
  return journal;
}

const requestFor = (residue: Residue, changes: Partial<ReapRequest> = {}): ReapRequest => ({
  connection,
  residue,
  isRunning: (run) => run === 'alive',
  unknownToo: false,
  goneToo: false,
  isGone: (keptFor) => keptFor === '/backup/deleted',
  dryRun: false,
  ...changes,
});

describe('reaping a source', () => {
  test('what a dead run left is undone, what holds others first, and forgotten', async () => {
    const effects = [effectOf('scratch-file'), effectOf('checkpoint'), effectOf('backup-job')];
    const { residue, undone, held } = sourceWith(...effects);
    const journal = await journalWith(...effects);
    const report = await reapSource(journal)(requestFor(residue), calm);
    expect(undone).toEqual(['backup-job-dead', 'checkpoint-dead', 'scratch-file-dead']);
    expect(report.removed).toHaveLength(3);
    expect(held).toEqual([]);
    expect(await journal.list(calm)).toEqual([]);
  });

  test('of one VM alone, what was made for others stays', async () => {
    const own = effectOf('backup-job');
    const other = { ...effectOf('checkpoint'), vm: toVMId('vm-2') };
    const { residue, held } = sourceWith(own, other);
    const journal = await journalWith(own, other);
    const report = await reapSource(journal)(requestFor(residue, { vm: toVMId('vm-1'), unknownToo: true }), calm);
    expect(report).toMatchObject({ removed: [own], unknown: [], absent: [] });
    expect(held).toEqual([other]);
    expect(await journal.list(calm)).toHaveLength(1);
  });

  test('what was journalled but never made is forgotten', async () => {
    const journal = await journalWith(effectOf('snapshot'));
    const report = await reapSource(journal)(requestFor(sourceWith().residue), calm);
    expect(report).toMatchObject({ removed: [], absent: [effectOf('snapshot')] });
    expect(await journal.list(calm)).toEqual([]);
  });

  test('what a running run uses, what is kept, and what another connection holds is left', async () => {
    const inUse = effectOf('backup-job', 'alive');
    const kept = effectOf('checkpoint');
    const foreign = { ...effectOf('snapshot'), connection: toConnectionId('other') };
    const { residue, undone } = sourceWith(inUse, kept);
    const journal = await journalWith(inUse, foreign);
    await journal.keep(kept, calm);
    expect(await reapSource(journal)(requestFor(residue, { unknownToo: true }), calm)).toMatchObject({ removed: [], inUse: [inUse], kept: [kept] });
    expect(undone).toEqual([]);
    expect(await journal.list(calm)).toHaveLength(3);
  });

  test('what no journal knows is named, and taken away only when asked for', async () => {
    const { residue, undone } = sourceWith(effectOf('snapshot'), effectOf('snapshot', 'alive'));
    const journal = await journalWith();
    expect(await reapSource(journal)(requestFor(residue), calm)).toMatchObject({
      removed: [],
      unknown: [effectOf('snapshot')],
      inUse: [effectOf('snapshot', 'alive')],
    });
    expect(undone).toEqual([]);
    const report = await reapSource(journal)(requestFor(residue, { unknownToo: true }), calm);
    expect(report).toMatchObject({ removed: [effectOf('snapshot')], unknown: [] });
  });

  test('what was kept for an export that is not there any more is told, and taken away only when asked for', async () => {
    const effects = ['deleted', 'there'].map((name) => effectOf('checkpoint', name));
    const { residue, undone } = sourceWith(...effects);
    const journal = await journalWith();
    for (const effect of effects) await journal.keep(effect, { ...calm, keptFor: `/backup/${effect.run}` });
    const [deleted, there] = effects;
    const told = await reapSource(journal)(requestFor(residue), calm);
    expect(told).toMatchObject({ removed: [], kept: [there], outlived: [{ ...deleted, keptFor: '/backup/deleted' }] });
    expect(undone).toEqual([]);
    expect(await reapSource(journal)(requestFor(residue, { goneToo: true }), calm)).toMatchObject({
      removed: [deleted],
      kept: [there],
      outlived: [],
    });
    expect(await journal.list(calm)).toHaveLength(1);
  });

  test('a dry run tells the same and changes nothing', async () => {
    const { residue, undone } = sourceWith(effectOf('snapshot'));
    const journal = await journalWith(effectOf('snapshot'), effectOf('checkpoint'));
    const report = await reapSource(journal)(requestFor(residue, { dryRun: true }), calm);
    expect(report).toMatchObject({ removed: [effectOf('snapshot')], absent: [effectOf('checkpoint')] });
    expect(undone).toEqual([]);
    expect(await journal.list(calm)).toHaveLength(2);
  });

  test('what cannot be undone is reported and stays journalled; the rest is undone', async () => {
    const stuck = effectOf('checkpoint');
    const { residue, undone } = sourceWith(stuck, effectOf('scratch-file'));
    const error = new HyperError('target/busy', 'Another job runs.');
    const failing: Residue = { ...residue, undo: (effect, o) => (effect.kind === 'checkpoint' ? Promise.reject(error) : residue.undo(effect, o)) };
    const journal = await journalWith(stuck, effectOf('scratch-file'));
    const report = await reapSource(journal)(requestFor(failing), calm);
    expect(report).toMatchObject({ removed: [effectOf('scratch-file')], failed: [{ effect: stuck, error }] });
    expect(undone).toEqual(['scratch-file-dead']);
    expect(await journal.list(calm)).toEqual([{ effect: stuck, isKept: false }]);
  });
});
