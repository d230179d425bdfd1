import { providerKinds, type VMInfo } from '@hypersdk/domain';
import type { Inventory } from '@hypersdk/ports';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm, expectCancelled, expectRefusal } from './expectations.ts';
import type { ArrangeProvider } from './provider-contract.ts';

/** What every inventory promises. */
export const inventoryChecks = (arrange: ArrangeProvider): readonly Check[] => [...listChecks(arrange), ...courseChecks(arrange)];

function listChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'the list has every VM once',
      run: () =>
        withInventory(arrange, async (inventory) => {
          const ids = (await listAll(inventory)).map(({ id }) => id);
          expect(ids.length).toBeGreaterThanOrEqual(2);
          expect(new Set(ids).size).toBe(ids.length);
        }),
    },
    {
      name: 'every VM is described in the units of the domain',
      run: () =>
        withInventory(arrange, async (inventory) => {
          for (const vm of await listAll(inventory)) expectWellFormed(vm);
        }),
    },
    {
      name: 'ids are the same in the next session',
      run: async () => {
        await using subject = await arrange();
        await using first = await subject.open();
        await using second = await subject.open();
        const [before, after] = [await listAll(first.facets.inventory), await listAll(second.facets.inventory)];
        expect(after.map(idsOf).toSorted()).toEqual(before.map(idsOf).toSorted());
      },
    },
    {
      name: 'a VM is got as it was listed',
      run: () =>
        withInventory(arrange, async (inventory) => {
          for (const vm of await listAll(inventory)) expect(await inventory.get(vm.id, calm)).toEqual(vm);
        }),
    },
    {
      name: 'an unknown VM is not found',
      run: async () => {
        await using subject = await arrange();
        await using session = await subject.open();
        await expectRefusal(session.facets.inventory.get(subject.absent, calm), 'vm/not-found');
      },
    },
  ];
}

function courseChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a list that is left early is closed and can be begun again',
      run: () =>
        withInventory(arrange, async (inventory) => {
          const all = (await listAll(inventory)).map(({ id }) => id);
          const early = inventory.list(calm)[Symbol.asyncIterator]();
          expect((await early.next()).done).toBe(false);
          await early.return?.();
          expect((await early.next()).done).toBe(true);
          expect((await listAll(inventory)).map(({ id }) => id)).toEqual(all);
        }),
    },
    {
      name: 'a cancelled list or get rejects with the reason',
      run: () =>
        withInventory(arrange, async (inventory) => {
          const [vm] = await listAll(inventory);
          if (!vm) expect.fail('There is no VM.');
          await expectCancelled((o) => inventory.get(vm.id, o));
          await expectCancelled((o) => Array.fromAsync(inventory.list(o)));
        }),
    },
    {
      name: 'a list that is cancelled on the way rejects with the reason',
      run: () =>
        withInventory(arrange, async (inventory) => {
          const stop = new AbortController();
          const reason = new Error('called off');
          const walk = async (): Promise<void> => {
            for await (const _ of inventory.list({ signal: stop.signal })) stop.abort(reason);
          };
          await expect(walk()).rejects.toBe(reason);
        }),
    },
  ];
}

async function withInventory(arrange: ArrangeProvider, check: (inventory: Inventory) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  await using session = await subject.open();
  await check(session.facets.inventory);
}

export const listAll = (inventory: Inventory): Promise<VMInfo[]> => Array.fromAsync(inventory.list(calm));

const idsOf = (vm: VMInfo): string => [vm.id, ...vm.disks.map(({ id }) => id)].join(' ');

/** Times are ISO 8601 in UTC. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

function expectWellFormed(vm: VMInfo): void {
  expect(vm.id).not.toBe('');
  expect(vm.name).not.toBe('');
  expect(vm.connection).not.toBe('');
  expect(providerKinds).toContain(vm.provider);
  expect(new Set(vm.disks.map(({ id }) => id)).size, 'distinct disk ids').toBe(vm.disks.length);
  expect(new Set(vm.nics.map(({ id }) => id)).size, 'distinct interface ids').toBe(vm.nics.length);
  for (const { virtualSize, allocatedSize } of vm.disks) {
    for (const size of [virtualSize, allocatedSize ?? 0]) expect(Number.isSafeInteger(size) && size >= 0, `${size} is a size in bytes`).toBe(true);
  }
  if (vm.cpus !== undefined) expect(Number.isSafeInteger(vm.cpus) && vm.cpus > 0, `${vm.cpus} is a count of processors`).toBe(true);
  // No VM has less than a MiB; such a figure was not converted to bytes.
  if (vm.memory !== undefined) expect(Number.isSafeInteger(vm.memory) && vm.memory >= 1024 * 1024, `${vm.memory} is memory in bytes`).toBe(true);
  for (const time of [vm.createdAt, vm.updatedAt]) if (time !== undefined) expect(time).toMatch(INSTANT);
  for (const { mac } of vm.nics) if (mac !== undefined) expect(mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
}
