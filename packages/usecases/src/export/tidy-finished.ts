import type { VMInfo } from '@hypersdk/domain';
import type { Cancel, EffectJournal, ProviderSession, StorageTarget } from '@hypersdk/ports';
import { reapSource } from '../source/reap-source.ts';
import { journalName } from './export-files.ts';

interface TidyPorts {
  readonly target: StorageTarget;
  /** Asked for only where something may have been made. */
  readonly effects: () => Promise<EffectJournal>;
  /** Whether the run still goes on: what it made is in use. */
  readonly isRunning: (run: string) => boolean;
}

/**
 * Does what a run that died behind its manifest had left to do: what it made at the source for this VM is taken away, and its journal with it.
 * The export is whole whether that succeeds or not; what does not is answered as warnings.
 */
export const tidyFinished =
  (ports: TidyPorts) =>
  async (
    { name, session, vm }: { readonly name: string; readonly session: ProviderSession; readonly vm: VMInfo },
    o: Cancel,
  ): Promise<readonly string[]> => {
    const { residue } = session.facets;
    const request = {
      connection: vm.connection,
      vm: vm.id,
      isRunning: ports.isRunning,
      unknownToo: false,
      goneToo: false,
      isGone: () => false,
      dryRun: false,
    };
    const report = residue && (await reapSource(await ports.effects())({ ...request, residue }, o));
    await ports.target.delete(journalName(name), o);
    return (report?.failed ?? []).map(
      ({ effect, error }) =>
        `the ${effect.kind} ${effect.name} could not be taken away: ${error instanceof Error ? error.message : String(error)} Try hyperexport residue --remove.`,
    );
  };
