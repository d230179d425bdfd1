import { HyperError } from '@hypersdk/domain';
import type { Restore, RestoreRequest } from '@hypersdk/ports';
import { type ArrangeProvider, calm, type Mutant } from '@hypersdk/testkit';
import { facetMutant } from './build-memory-platform.ts';

const restoreMutant = facetMutant('restore');

const MADE = 'a restored VM is listed, off, as one of its own, with the content that was named';
const ONCE = 'a name and an identity are taken once, which plans know too';
const CANCELLED = 'a cancelled restore rejects with the reason and leaves nothing';

const change =
  (changed: (request: RestoreRequest) => Partial<RestoreRequest>) =>
  (restore: Restore): Partial<Restore> => ({ run: (request, o) => restore.run({ ...request, ...changed(request) }, o) });

/** Names and identities that are taken are given away again. */
const evading = async <Answer>(request: RestoreRequest, call: (request: RestoreRequest) => Promise<Answer>): Promise<Answer> => {
  try {
    return await call(request);
  } catch (error) {
    if (!(error instanceof HyperError) || error.code !== 'vm/exists') throw error;
    return call({ ...request, name: `${request.name}-again`, identity: 'new' });
  }
};

/** Wrong ways to restore VMs, each with the check that has to find it. */
export const restoreMutants: readonly Mutant<ArrangeProvider>[] = [
  restoreMutant(
    'starts whatever it restores',
    MADE,
    change(() => ({ start: true })),
  ),
  restoreMutant(
    'always keeps the identity',
    MADE,
    change(() => ({ identity: 'kept' })),
  ),
  restoreMutant(
    'calls the VM what it was called',
    MADE,
    change(({ vm }) => ({ name: `${vm.name}-restored` })),
  ),
  restoreMutant(
    'leaves disks out',
    MADE,
    change(({ disks }) => ({ disks: disks.slice(1) })),
  ),
  restoreMutant(
    'never keeps an identity',
    'the VM itself comes back where that is asked for',
    change(() => ({ identity: 'new' })),
  ),
  restoreMutant('says nothing on the way', 'how far each disk is restored is told to its end', (restore) => ({
    run: (request, { signal }) => restore.run(request, { signal }),
  })),
  restoreMutant('makes what it plans', 'a plan says what is needed, and makes nothing', (restore) => ({
    plan: async (request, o) => {
      const plan = await restore.plan(request, o);
      await restore.run(request, o);
      return plan;
    },
  })),
  restoreMutant('plans what cannot be', ONCE, (restore) => ({ plan: (request, o) => evading(request, (other) => restore.plan(other, o)) })),
  restoreMutant('evades names that are taken', ONCE, (restore) => ({ run: (request, o) => evading(request, (other) => restore.run(other, o)) })),
  restoreMutant('does not look at the content', 'content that is not what was named becomes no VM', (restore) => ({
    run: (request, o) => restore.run(request, o).catch(() => restore.run({ ...request, disks: [] }, o)),
  })),
  restoreMutant('restores although it was cancelled', CANCELLED, (restore) => ({ run: (request) => restore.run(request, calm) })),
  restoreMutant('plans although it was cancelled', CANCELLED, (restore) => ({ plan: (request) => restore.plan(request, calm) })),
];
