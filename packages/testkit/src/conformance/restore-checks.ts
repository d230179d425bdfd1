import type { VMInfo } from '@hypersdk/domain';
import type { Inventory, Restore, RestoreRequest } from '@hypersdk/ports';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm, expectCancelled, expectRefusal } from './expectations.ts';
import { listAll } from './inventory-checks.ts';
import type { ArrangeProvider, RestoreSubject } from './provider-contract.ts';

interface Restored extends RestoreSubject {
  readonly restore: Restore;
  readonly inventory: Inventory;
  readonly request: RestoreRequest;
}

/** What every `restore` facet promises. */
export const restoreChecks = (arrange: ArrangeProvider): readonly Check[] => [...makeChecks(arrange), ...refusalChecks(arrange)];

function makeChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a restored VM is listed, off, as one of its own, with the content that was named',
      run: () =>
        withRestore(arrange, async ({ restore, inventory, request, rootsOf }) => {
          const { vm } = await restore.run(request, calm);
          expect(vm).toMatchObject({ name: request.name, powerState: 'stopped' });
          expect(vm.id).not.toBe(request.vm.id);
          expect(await inventory.get(vm.id, calm)).toEqual(vm);
          expect(namesOf(await listAll(inventory))).toContain(request.name);
          expect(await rootsOf(vm)).toEqual(request.disks.map(({ content }) => content.root));
        }),
    },
    {
      name: 'the VM itself comes back where that is asked for',
      run: () =>
        withRestore(arrange, async ({ restore, request }) => {
          const { vm } = await restore.run({ ...request, identity: 'kept' }, calm);
          expect(vm.id).toBe(request.vm.id);
        }),
    },
    {
      name: 'how far each disk is restored is told to its end',
      run: () =>
        withRestore(arrange, async ({ restore, request }) => {
          const ended = new Set<string>();
          const onProgress: NonNullable<Parameters<Restore['run']>[1]['onProgress']> = ({ disk, progress }) => {
            if (progress.settled === progress.virtualSize) ended.add(disk.id);
          };
          await restore.run(request, { ...calm, onProgress });
          expect([...ended]).toEqual(request.disks.map(({ disk }) => disk.id));
        }),
    },
    {
      name: 'a plan says what is needed, and makes nothing',
      run: () =>
        withRestore(arrange, async ({ restore, inventory, request }) => {
          const { pool, bytesNeeded } = await restore.plan(request, calm);
          expect(pool).not.toBe('');
          expect(bytesNeeded).toBeGreaterThan(0);
          expect(namesOf(await listAll(inventory))).not.toContain(request.name);
        }),
    },
  ];
}

function refusalChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a name and an identity are taken once, which plans know too',
      run: () =>
        withRestore(arrange, async ({ restore, inventory, request }) => {
          await restore.run({ ...request, identity: 'kept' }, calm);
          const before = await listAll(inventory);
          for (const again of [request, { ...request, name: `${request.name}-other`, identity: 'kept' as const }]) {
            await expectRefusal(restore.plan(again, calm), 'vm/exists');
            await expectRefusal(restore.run(again, calm), 'vm/exists');
          }
          expect(namesOf(await listAll(inventory))).toEqual(namesOf(before));
        }),
    },
    {
      name: 'content that is not what was named becomes no VM',
      run: () =>
        withRestore(arrange, async ({ restore, inventory, request }) => {
          const disks = request.disks.map((disk) => ({ ...disk, content: { ...disk.content, root: '0'.repeat(64) } }));
          await expectRefusal(restore.run({ ...request, disks }, calm), 'verify/mismatch');
          expect(namesOf(await listAll(inventory))).not.toContain(request.name);
        }),
    },
    {
      name: 'a cancelled restore rejects with the reason and leaves nothing',
      run: () =>
        withRestore(arrange, async ({ restore, inventory, request }) => {
          await expectCancelled((o) => restore.plan(request, o));
          await expectCancelled((o) => restore.run(request, o));
          const stop = new AbortController();
          const reason = new Error('stopped on the way');
          const run = restore.run(request, { signal: stop.signal, onProgress: () => stop.abort(reason) });
          await expect(run).rejects.toBe(reason);
          expect(namesOf(await listAll(inventory))).not.toContain(request.name);
        }),
    },
  ];
}

const namesOf = (vms: readonly VMInfo[]): readonly string[] => vms.map(({ name }) => name).toSorted();

async function withRestore(arrange: ArrangeProvider, check: (restored: Restored) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  await using session = await subject.open();
  const { restore, inventory } = session.facets;
  if (!restore || !subject.restore) expect.fail('The session has no restore facet, or the test nothing to restore.');
  const exported = await subject.restore.exported();
  await check({ ...subject.restore, restore, inventory, request: { ...exported, identity: 'new', start: false } });
}
