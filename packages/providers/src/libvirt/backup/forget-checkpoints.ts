import type { SourceEffect } from '@hypersdk/domain';
import type { EffectJournal } from '@hypersdk/ports';
import type { Domain } from '../rpc/procedures.ts';
import { procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { DomainState } from '../to-vm.ts';
import { deleteCheckpoint } from './backup-job.ts';
import { settleAll, undoing } from './run-effects.ts';
import { startPaused, stopPaused } from './start-paused.ts';

/**
 * Deletes checkpoints, whose bitmaps lie in images that only QEMU may write to: a domain that is off is started without running for as long as that takes.
 * Answers those that were there.
 */
export async function forgetCheckpoints(
  client: Caller,
  domain: Domain,
  { tag, names }: { readonly tag: string; readonly names: readonly string[] },
): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const { state } = await client.call(procedures.domainGetState, { domain, flags: 0 }, undoing());
  const isOff = state === DomainState.off || state === DomainState.crashed;
  if (isOff) await startPaused(client, domain, { ...undoing(), tag });
  try {
    const found: string[] = [];
    for (const name of names) if (await deleteCheckpoint(client, domain, name)) found.push(name);
    return found;
  } finally {
    if (isOff) await stopPaused(client, domain, tag);
  }
}

/** Those of the effects that are checkpoints, and their records with them. */
export async function undoCheckpoints(
  client: Caller,
  domain: Domain,
  { tag, effects, journal }: { readonly tag: string; readonly effects: readonly SourceEffect[]; readonly journal: EffectJournal },
): Promise<void> {
  const checkpoints = effects.filter(({ kind }) => kind === 'checkpoint');
  await forgetCheckpoints(client, domain, { tag, names: checkpoints.map(({ name }) => name) });
  await settleAll(journal, checkpoints);
}
