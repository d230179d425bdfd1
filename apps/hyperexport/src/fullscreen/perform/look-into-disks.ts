import type { VMInfo } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { toHyperError } from '../../output/error-report.ts';
import type { Services } from '../../services.ts';
import type { DiskLook } from '../list/list-state.ts';

/** What the disks of a VM are and what lies on them. What cannot be looked into says why; it is no failure of the whole. */
export async function lookIntoDisks(
  { inspector }: Pick<Services, 'inspector'>,
  vm: VMInfo,
  o: Cancel & { readonly follows: boolean },
): Promise<readonly DiskLook[]> {
  // Where a platform keeps its disks is no place of ours, and what runs there writes to them.
  if (vm.provider !== 'files') return [];
  const looks: DiskLook[] = [];
  for (const { label, location } of vm.disks) {
    try {
      const image = await inspector.refer(location, { signal: o.signal, references: o.follows ? 'beside' : 'refuse' });
      looks.push({ label, about: await inspector.inspect(image, o), guest: await inspector.look(image, o) });
    } catch (thrown) {
      o.signal.throwIfAborted();
      looks.push({ label, problem: toHyperError(thrown).message });
    }
  }
  return looks;
}
