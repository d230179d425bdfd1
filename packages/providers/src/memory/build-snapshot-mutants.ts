import { HyperError, toSnapshotId } from '@hypersdk/domain';
import { type ArrangeProvider, calm, type Mutant } from '@hypersdk/testkit';
import { facetMutant } from './build-memory-platform.ts';

const snapshotMutant = facetMutant('snapshots');

const LISTED = 'a snapshot is listed as it was made';
const BACK = 'a VM is taken back to what it was';
const CHAIN = 'each snapshot names the one before it, and the last is current';
const FORGOTTEN = 'a deleted snapshot is gone, and the content and the others stay';
const UNKNOWN = 'an unknown VM or snapshot is told to be unknown';

/** Wrong ways to keep snapshots, each with the check that has to find it. */
export const snapshotMutants: readonly Mutant<ArrangeProvider>[] = [
  snapshotMutant('forgets what it made', LISTED, () => ({ list: async () => [] })),
  snapshotMutant('loses descriptions', LISTED, (snapshots) => ({
    create: async (id, { description: _, ...request }, o) => snapshots.create(id, request, o),
  })),
  snapshotMutant('takes nothing back', BACK, (snapshots) => ({
    revert: async (id, snapshot, o) => {
      await snapshots.list(id, o);
      if (!(await snapshots.list(id, o)).some((known) => known.id === snapshot)) await snapshots.revert(id, snapshot, o);
    },
  })),
  snapshotMutant('knows no order', CHAIN, (snapshots) => ({
    create: async (id, request, o) => {
      const made = await snapshots.create(id, request, o);
      const { parent: _, ...snapshot } = made.snapshot;
      return { ...made, snapshot };
    },
  })),
  snapshotMutant('calls each the current one', CHAIN, (snapshots) => ({
    list: async (id, o) => (await snapshots.list(id, o)).map((snapshot) => ({ ...snapshot, isCurrent: true })),
  })),
  snapshotMutant('deletes by taking back', FORGOTTEN, (snapshots) => ({
    delete: async (id, snapshot, o) => {
      const [first] = await snapshots.list(id, o);
      if (first) await snapshots.revert(id, first.id, o);
      await snapshots.delete(id, snapshot, o);
    },
  })),
  snapshotMutant('deletes all at once', FORGOTTEN, (snapshots) => ({
    delete: async (id, snapshot, o) => {
      await snapshots.delete(id, snapshot, o);
      for (const { id: other } of await snapshots.list(id, o)) await snapshots.delete(id, other, o);
    },
  })),
  snapshotMutant('gives a second of a name another one', 'a name is taken once', (snapshots) => ({
    create: (id, request, o) => snapshots.create(id, request, o).catch(() => snapshots.create(id, { ...request, name: `${request.name}-2` }, o)),
  })),
  snapshotMutant('claims to have been heard', 'a guest that has no agent is not said to have written out what it holds', (snapshots) => ({
    create: async (id, request, o) => ({ ...(await snapshots.create(id, { ...request, quiesce: 'never' }, o)), isQuiesced: true }),
  })),
  snapshotMutant('does not mind what is unknown', UNKNOWN, (snapshots) => ({
    delete: (id, snapshot, o) =>
      snapshots.delete(id, snapshot, o).catch((error: unknown) => {
        if (!(error instanceof HyperError) || snapshot !== toSnapshotId('no-such-snapshot')) throw error;
      }),
  })),
  snapshotMutant('makes one although it was cancelled', 'a cancelled call on snapshots rejects with the reason and changes nothing', (snapshots) => ({
    create: (id, request) => snapshots.create(id, request, calm),
  })),
];
