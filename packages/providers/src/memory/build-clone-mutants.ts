// Test only: wrong ways to clone VMs, each with the check that has to find it.
import { HyperError, toVMId } from '@hypersdk/domain';
import type { Clone, CloneOutcome, CloneRequest } from '@hypersdk/ports';
import { type ArrangeProvider, calm, type Mutant } from '@hypersdk/testkit';
import { facetMutant } from './build-memory-platform.ts';

const cloneMutant = facetMutant('clone');

const MADE = 'a clone is listed, off, as one of its own, with the content of its source';
const APART = 'the source stays as it was, whatever its clones write';
const COPIED = 'a copied clone does not see what its source is written afterwards';
const TOLD = 'how far each disk is cloned is told to its end';
const PLAN = 'a plan says what is needed and what a link means, and makes nothing';
const ONCE = 'a name is taken once, which plans know too';
const CANCELLED = 'a cancelled clone rejects with the reason and leaves nothing';
const ANY = toVMId('db-01');

const change =
  (changed: (outcome: CloneOutcome) => CloneOutcome) =>
  (clone: Clone): Partial<Clone> => ({ run: async (id, request, o) => changed(await clone.run(id, request, o)) });

/** Whatever is refused with this code is done with another request. */
const evading =
  (code: string, other: (request: CloneRequest) => CloneRequest = (request) => request) =>
  (clone: Clone): Partial<Clone> => ({
    run: (id, request, o) =>
      clone.run(id, request, o).catch((error: unknown) => {
        if (error instanceof HyperError && error.code === code) return clone.run(ANY, other(request), o);
        throw error;
      }),
  });

export const cloneMutants: readonly Mutant<ArrangeProvider>[] = [
  cloneMutant(
    'says that the clone runs',
    MADE,
    change(({ vm, ...rest }) => ({ ...rest, vm: { ...vm, powerState: 'running' } })),
  ),
  cloneMutant('calls the clone something else', MADE, (clone) => ({
    run: (id, request, o) => clone.run(id, { ...request, name: `${request.name}-1` }, o),
  })),
  cloneMutant(
    'leaves disks out',
    MADE,
    change(({ vm, ...rest }) => ({ ...rest, vm: { ...vm, disks: vm.disks.slice(1) } })),
  ),
  cloneMutant('clones another VM', MADE, (clone) => ({ run: (_, request, o) => clone.run(ANY, request, o) })),
  cloneMutant('gives the disks of the source to the clone', APART, (clone) => shared(clone, ['copied', 'linked'])),
  cloneMutant('links what was to be copied', COPIED, (clone) => shared(clone, ['copied'])),
  cloneMutant('says nothing on the way', TOLD, (clone) => ({ run: (id, request, { signal }) => clone.run(id, request, { signal }) })),
  cloneMutant('tells of more than it expected', TOLD, (clone) => ({
    run: (id, request, o) => clone.run(id, request, { ...o, onProgress: (told) => o.onProgress?.({ ...told, copied: told.expected + 1 }) }),
  })),
  cloneMutant('says nothing of links', PLAN, (clone) => ({
    plan: async (id, request, o) => ({ ...(await clone.plan(id, request, o)), warnings: [] }),
  })),
  cloneMutant('makes what it plans', PLAN, (clone) => ({
    plan: async (id, request, o) => {
      const plan = await clone.plan(id, request, o);
      await clone.run(id, request, o).catch(() => {});
      return plan;
    },
  })),
  cloneMutant('clones although it was cancelled', CANCELLED, (clone) => ({ run: (id, request) => clone.run(id, request, calm) })),
  cloneMutant('plans although it was cancelled', CANCELLED, (clone) => ({ plan: (id, request) => clone.plan(id, request, calm) })),
  cloneMutant(
    'evades names that are taken',
    ONCE,
    evading('vm/exists', (request) => ({ ...request, name: `${request.name}-again` })),
  ),
  cloneMutant('plans what cannot be', ONCE, (clone) => ({
    plan: (id, request, o) => clone.plan(id, request, o).catch(() => clone.plan(ANY, { ...request, name: 'another' }, o)),
  })),
  cloneMutant('clones some other VM instead', 'a VM that is not there is not cloned', evading('vm/not-found')),
  cloneMutant('clones what is off instead of what runs', 'a VM that runs is not cloned', evading('vm/wrong-state')),
];

/** For these kinds of disks, the clone has not its own, but those of its source. */
function shared(clone: Clone, kinds: readonly CloneRequest['disks'][]): Partial<Clone> {
  return {
    run: async (id, request, o) => {
      const { vm, warnings } = await clone.run(id, request, o);
      if (!kinds.includes(request.disks)) return { vm, warnings };
      return { vm: { ...vm, disks: vm.disks.map((disk) => ({ ...disk, location: disk.location.replace(/[^/]*$/, `${disk.id}.raw`) })) }, warnings };
    },
  };
}
