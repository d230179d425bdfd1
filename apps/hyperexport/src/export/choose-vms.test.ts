import { toConnectionId, toVMId, type VMInfo } from '@hypersdk/domain';
import type { Inventory } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import { chooseVMs } from './choose-vms.ts';

const vm = (id: string, name: string): VMInfo => ({
  id: toVMId(id),
  name,
  provider: 'memory',
  connection: toConnectionId('here'),
  powerState: 'stopped',
  firmware: 'bios',
  disks: [],
  nics: [],
  tags: {},
});

/** An inventory over a list, as a provider would give it. */
const inventoryOf = (...vms: readonly VMInfo[]): Inventory => ({
  async *list() {
    yield* vms;
  },
  get: () => Promise.reject(new Error('not asked for here')),
});

const { signal } = new AbortController();
const o = { signal, onProblem: () => undefined };
const names = async (inventory: Inventory, wanted: readonly string[]): Promise<readonly string[]> =>
  (await chooseVMs(inventory, { names: wanted }, o)).map((one) => one.id);

describe('choosing VMs', () => {
  const inventory = inventoryOf(vm('1', 'web'), vm('2', 'db'), vm('3', 'db'));

  test('takes all when none is named', async () => {
    expect(await names(inventory, [])).toEqual(['1', '2', '3']);
  });

  test('takes names and ids, each once, in the order typed', async () => {
    expect(await names(inventory, ['3', 'web', '1'])).toEqual(['3', '1']);
  });

  test('refuses a name that fits several and says the ids', async () => {
    await expect(names(inventory, ['db'])).rejects.toThrow('name it by its id: 2, 3');
  });

  test('names what there is when the name is wrong', async () => {
    await expect(names(inventory, ['wev'])).rejects.toMatchObject({ code: 'vm/not-found', message: 'There is no VM wev; there is web, db, db' });
  });

  test('takes those that match, whatever their case', async () => {
    expect((await chooseVMs(inventory, { names: [], match: '^D' }, o)).map((one) => one.id)).toEqual(['2', '3']);
    await expect(chooseVMs(inventory, { names: [], match: 'mail' }, o)).rejects.toMatchObject({ message: 'No VM here matches mail' });
    await expect(chooseVMs(inventory, { names: [], match: '(' }, o)).rejects.toMatchObject({ code: 'usage/invalid' });
  });

  test('an empty folder is told, not exported', async () => {
    await expect(names(inventoryOf(), [])).rejects.toMatchObject({ code: 'vm/not-found' });
  });
});
