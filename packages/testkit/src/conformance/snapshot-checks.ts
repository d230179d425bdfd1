import { toSnapshotId, type VMInfo } from '@hypersdk/domain';
import type { SnapshotRequest, Snapshots } from '@hypersdk/ports';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm, expectCancelled, expectRefusal } from './expectations.ts';
import { listAll } from './inventory-checks.ts';
import type { ArrangeProvider } from './provider-contract.ts';

interface Snapped {
  readonly snapshots: Snapshots;
  readonly vm: VMInfo;
  readonly absent: VMInfo['id'];
  writeToDisk(): Promise<void>;
  /** Something that is equal when the first disk is. */
  content(): Promise<string>;
}

const plain = (name: string): SnapshotRequest => ({ name, placement: 'internal', quiesce: 'never' });

/** What every `snapshots` facet promises. */
export const snapshotChecks = (arrange: ArrangeProvider): readonly Check[] => [
  ...keepChecks(arrange),
  ...forgetChecks(arrange),
  ...refusalChecks(arrange),
];

function keepChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a snapshot is listed as it was made',
      run: () =>
        withSnapshots(arrange, async ({ snapshots, vm }) => {
          expect(await snapshots.list(vm.id, calm)).toEqual([]);
          const { snapshot, isQuiesced } = await snapshots.create(vm.id, { ...plain('before'), description: 'before & <after>' }, calm);
          expect(snapshot).toMatchObject({ name: 'before', description: 'before & <after>', isCurrent: true, placement: 'internal' });
          expect(isQuiesced).toBe(false);
          expect(await snapshots.list(vm.id, calm)).toEqual([snapshot]);
        }),
    },
    {
      name: 'a VM is taken back to what it was',
      run: () =>
        withSnapshots(arrange, async ({ snapshots, vm, writeToDisk, content }) => {
          const before = await content();
          const { snapshot } = await snapshots.create(vm.id, plain('before'), calm);
          await writeToDisk();
          expect(await content()).not.toBe(before);
          await snapshots.revert(vm.id, snapshot.id, calm);
          expect(await content()).toBe(before);
        }),
    },
    {
      name: 'each snapshot names the one before it, and the last is current',
      run: () =>
        withSnapshots(arrange, async ({ snapshots, vm }) => {
          const { snapshot: first } = await snapshots.create(vm.id, plain('first'), calm);
          const { snapshot: second } = await snapshots.create(vm.id, plain('second'), calm);
          expect(second.parent).toBe(first.id);
          const listed = await snapshots.list(vm.id, calm);
          expect(listed.find(({ id }) => id === first.id)?.isCurrent).toBe(false);
          expect(listed.find(({ id }) => id === second.id)?.isCurrent).toBe(true);
        }),
    },
  ];
}

function forgetChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a deleted snapshot is gone, and the content and the others stay',
      run: () =>
        withSnapshots(arrange, async ({ snapshots, vm, writeToDisk, content }) => {
          const before = await content();
          const { snapshot: first } = await snapshots.create(vm.id, plain('first'), calm);
          await writeToDisk();
          const { snapshot: second } = await snapshots.create(vm.id, plain('second'), calm);
          const after = await content();
          await snapshots.delete(vm.id, second.id, calm);
          expect((await snapshots.list(vm.id, calm)).map(({ id }) => id)).toEqual([first.id]);
          expect(await content()).toBe(after);
          await snapshots.revert(vm.id, first.id, calm);
          expect(await content()).toBe(before);
        }),
    },
  ];
}

function refusalChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a name is taken once',
      run: () =>
        withSnapshots(arrange, async ({ snapshots, vm }) => {
          await snapshots.create(vm.id, plain('before'), calm);
          await expectRefusal(snapshots.create(vm.id, plain('before'), calm), 'snapshot/exists');
          expect(await snapshots.list(vm.id, calm)).toHaveLength(1);
        }),
    },
    {
      name: 'a guest that has no agent is not said to have written out what it holds',
      run: () =>
        withSnapshots(arrange, async ({ snapshots, vm }) => {
          await expectRefusal(snapshots.create(vm.id, { ...plain('required'), quiesce: 'required' }, calm), 'vm/agent-absent');
          expect(await snapshots.list(vm.id, calm)).toEqual([]);
          expect((await snapshots.create(vm.id, { ...plain('possible'), quiesce: 'if-possible' }, calm)).isQuiesced).toBe(false);
        }),
    },
    {
      name: 'an unknown VM or snapshot is told to be unknown',
      run: () =>
        withSnapshots(arrange, async ({ snapshots, vm, absent }) => {
          const nothing = toSnapshotId('no-such-snapshot');
          await expectRefusal(snapshots.list(absent, calm), 'vm/not-found');
          await expectRefusal(snapshots.create(absent, plain('before'), calm), 'vm/not-found');
          for (const call of ['revert', 'delete'] as const) {
            await expectRefusal(snapshots[call](absent, nothing, calm), 'vm/not-found');
            await expectRefusal(snapshots[call](vm.id, nothing, calm), 'snapshot/not-found');
          }
        }),
    },
    {
      name: 'a cancelled call on snapshots rejects with the reason and changes nothing',
      run: () =>
        withSnapshots(arrange, async ({ snapshots, vm, writeToDisk, content }) => {
          const { snapshot } = await snapshots.create(vm.id, plain('before'), calm);
          await writeToDisk();
          const after = await content();
          await expectCancelled((o) => snapshots.list(vm.id, o));
          await expectCancelled((o) => snapshots.create(vm.id, plain('never'), o));
          await expectCancelled((o) => snapshots.revert(vm.id, snapshot.id, o));
          await expectCancelled((o) => snapshots.delete(vm.id, snapshot.id, o));
          expect(await content()).toBe(after);
          expect((await snapshots.list(vm.id, calm)).map(({ id }) => id)).toEqual([snapshot.id]);
        }),
    },
  ];
}

async function withSnapshots(arrange: ArrangeProvider, check: (snapped: Snapped) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  await using session = await subject.open();
  const { snapshots, inventory } = session.facets;
  const { contentOf } = subject;
  if (!snapshots || !contentOf) expect.fail('The session has no snapshots facet, or the test no way to look at a disk.');
  const vm = (await listAll(inventory)).find(({ powerState, disks }) => powerState !== 'running' && disks.length > 0);
  if (!vm) expect.fail('There is no VM at rest to try snapshots with.');
  await check({
    snapshots,
    vm,
    absent: subject.absent,
    writeToDisk: () => subject.writeToDisk(vm),
    content: () => contentOf(vm),
  });
}
