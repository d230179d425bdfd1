// Test only: providers that tell too little of what changed, each with the promise that it breaks.
import type { ArrangeProvider, Mutant } from '@hypersdk/testkit';
import { facetMutant } from './build-memory-platform.ts';

const changesMutant = facetMutant('changedBlocks');
const WRITTEN = 'a disk that was written since is never called unchanged, and where its changes are told they can be read by any thread';

export const changedBlocksMutants: readonly Mutant<ArrangeProvider>[] = [
  changesMutant('never calls a disk unchanged', 'a disk has not changed since its own mark', () => ({
    since: async () => ({ kind: 'unknown', reason: 'it may have changed' }),
  })),
  changesMutant('takes any mark for its own', 'what changed since a mark that nobody gave is unknown, for a reason', () => ({
    since: async () => ({ kind: 'unchanged' }),
  })),
  changesMutant('gives no reason', 'what changed since a mark that nobody gave is unknown, for a reason', (changedBlocks) => ({
    since: async (disk, mark, o) => {
      const answer = await changedBlocks.since(disk, mark, o);
      return answer.kind === 'unknown' ? { ...answer, reason: '' } : answer;
    },
  })),
  changesMutant('knows marks and not disks', 'the mark of another disk is none of this one', (changedBlocks) => ({
    since: async (disk, mark, o) => (/^[0-9a-f]{64}$/.test(mark) ? { kind: 'unchanged' } : changedBlocks.since(disk, mark, o)),
  })),
  changesMutant('tells nothing of a write', WRITTEN, (changedBlocks) => ({
    since: async (disk, mark, o) => (mark.includes(' ') ? changedBlocks.since(disk, mark, o) : { kind: 'unchanged' }),
  })),
  changesMutant('gives out locators with functions', WRITTEN, () => ({
    since: async ({ locator, mark }) => ({
      kind: 'changed',
      locator: Object.assign(structuredClone(locator), { open: () => 3 }),
      mark: `${mark}-since`,
    }),
  })),
  changesMutant('gives changes the mark that they were asked since', WRITTEN, () => ({
    since: async ({ locator }, mark) => ({ kind: 'changed', locator, mark }),
  })),
];
