import { toConnectionId, toVMId, type SourceEffect, type SourceEffectKind } from '@hypersdk/domain';
import type { Cancel, EffectJournal } from '@hypersdk/ports';

/** What is undone after a stop must not be stopped itself; the server answers in this time or not at all. */
const UNDO_MS = 60_000;

export const undoing = (): Cancel => ({ signal: AbortSignal.timeout(UNDO_MS) });

/** For what makes something at the server: a call that nobody waits for any more would make it after all has been undone. It ends by its own time-out. */
export const unstoppable: Cancel = { signal: AbortSignal.any([]) };

export interface EffectPlace {
  readonly run: string;
  readonly connection: string;
  readonly uuid: string;
}

export const effectAt = ({ run, connection, uuid }: EffectPlace, kind: SourceEffectKind, name: string): SourceEffect => ({
  run,
  provider: 'libvirt',
  connection: toConnectionId(connection),
  vm: toVMId(uuid),
  kind,
  name,
});

/** Records each before it is made. */
export async function intendAll(journal: EffectJournal, effects: readonly SourceEffect[], o: Cancel): Promise<void> {
  for (const effect of effects) await journal.intend(effect, o);
}

export async function settleAll(journal: EffectJournal, effects: readonly SourceEffect[]): Promise<void> {
  for (const effect of effects) await journal.settle(effect, undoing());
}
