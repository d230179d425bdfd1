import { toConnectionId, toDiskId, toVMId, type PowerState, type VMInfo } from '@hypersdk/domain';
import type { Inventory } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import { listVMs, type VMQuery } from './list-vms.ts';

const calm = { signal: new AbortController().signal };

const vmOf = (name: string, powerState: PowerState, size: number): VMInfo => ({
  id: toVMId(`id-${name}`),
  name,
  provider: 'memory',
  connection: toConnectionId('test'),
  powerState,
  firmware: 'bios',
  disks: [{ id: toDiskId('d'), label: 'disk', virtualSize: size, location: 'here' }],
  nics: [],
  tags: {},
});

const vms = [vmOf('web-10', 'stopped', 30), vmOf('db', 'running', 10), vmOf('web-2', 'unknown', 20), vmOf('Web-1', 'suspended', 10)];

function inventoryOf(list: readonly VMInfo[], onPull?: (vm: VMInfo) => void): Inventory {
  return {
    async *list() {
      for (const vm of list) {
        onPull?.(vm);
        yield vm;
      }
    },
    get: async () => {
      throw new Error('not asked here');
    },
  };
}

const namesFor = (query: VMQuery): Promise<readonly string[]> => Array.fromAsync(listVMs(inventoryOf(vms))(query, calm), ({ name }) => name);

describe('listing VMs', () => {
  test('without a query all come, in the order of the platform', async () => {
    expect(await namesFor({})).toEqual(['web-10', 'db', 'web-2', 'Web-1']);
  });

  test('a pattern, a state and a size each narrow the list', async () => {
    expect(await namesFor({ name: '^web' })).toEqual(['web-10', 'web-2', 'Web-1']);
    expect(await namesFor({ state: 'running' })).toEqual(['db']);
    expect(await namesFor({ minSize: 20 })).toEqual(['web-10', 'web-2']);
    expect(await namesFor({ name: 'web', minSize: 20, state: 'unknown' })).toEqual(['web-2']);
  });

  test('sorting knows numbers in names, sizes and states', async () => {
    expect(await namesFor({ sort: 'name' })).toEqual(['db', 'Web-1', 'web-2', 'web-10']);
    expect(await namesFor({ sort: 'size' })).toEqual(['web-10', 'web-2', 'db', 'Web-1']);
    expect(await namesFor({ sort: 'state' })).toEqual(['db', 'Web-1', 'web-10', 'web-2']);
  });

  test('an unsorted list is pulled: who stops early costs nothing more', async () => {
    const pulled: string[] = [];
    for await (const vm of listVMs(inventoryOf(vms, ({ name }) => pulled.push(name)))({ name: 'db' }, calm)) {
      expect(vm.name).toBe('db');
      break;
    }
    expect(pulled).toEqual(['web-10', 'db']);
  });

  test('what is no pattern is refused before the platform is asked', () => {
    expect(() => listVMs(inventoryOf(vms))({ name: '(' }, calm)).toThrow('not a regular expression');
    expect(() => listVMs(inventoryOf(vms))({ name: 'x'.repeat(300) }, calm)).toThrow('characters');
  });
});
