import type { VMId, VMMetrics } from '@hypersdk/domain';
import type { Inventory, Metrics, Power } from '@hypersdk/ports';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm, expectCancelled } from './expectations.ts';
import { comesTrue } from './hear-line.ts';
import { listAll } from './inventory-checks.ts';
import type { ArrangeProvider } from './provider-contract.ts';

interface Measured {
  readonly metrics: Metrics;
  readonly inventory: Inventory;
  readonly power: Power;
  readonly vm: VMId;
  readonly absent: VMId;
}

/** A guest that was just started has done something within this time, and one that is broken never does. */
const WORKS_MS = 10_000;
const SECTOR = 512n;

/** What every `metrics` facet promises. */
export const metricsChecks = (arrange: ArrangeProvider): readonly Check[] => [
  ...stateChecks(arrange),
  ...counterChecks(arrange),
  ...askChecks(arrange),
];

function stateChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'the figures are of every VM, each once, in the state that the inventory tells',
      run: () =>
        withMetrics(arrange, async ({ metrics, inventory, power, vm }) => {
          await power.start(vm, calm);
          const sampled = await Array.fromAsync(metrics.sample(calm));
          const statesOf = (all: readonly (readonly [string, string])[]) => all.map(([id, state]) => `${id} ${state}`).toSorted();
          const listed = await listAll(inventory);
          expect(statesOf(sampled.map((one) => [one.vm, one.powerState]))).toEqual(statesOf(listed.map(({ id, powerState }) => [id, powerState])));
        }),
    },
    {
      name: 'a stopped VM has no processors at work, and its disks their sizes',
      run: () =>
        withMetrics(arrange, async ({ metrics, inventory, vm }) => {
          const figures = await figuresOf(metrics, vm);
          expect(figures.cpu).toBeUndefined();
          expect({ vcpus: figures.vcpus, nics: figures.nics }).toEqual({ vcpus: [], nics: [] });
          const { disks } = await inventory.get(vm, calm);
          expect(figures.disks.map(({ disk, virtualSize }) => [disk, virtualSize])).toEqual(disks.map(({ id, virtualSize }) => [id, virtualSize]));
        }),
    },
    {
      name: 'a running VM has its memory in bytes, and each of its processors',
      run: () =>
        withMetrics(arrange, async ({ metrics, inventory, power, vm }) => {
          await power.start(vm, calm);
          const { memory, cpus } = await inventory.get(vm, calm);
          const figures = await figuresOf(metrics, vm);
          expect(figures.memory?.maximumSize).toBe(memory);
          expect(figures.vcpus.map(({ index }) => index)).toEqual(Array.from({ length: cpus ?? 0 }, (_, index) => index));
        }),
    },
  ];
}

function counterChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'counters of a running VM only grow, and so does the clock',
      run: () =>
        withMetrics(arrange, async ({ metrics, power, vm }) => {
          await power.start(vm, calm);
          let last = await figuresOf(metrics, vm);
          const first = last.cpu?.timeNsTotal ?? expect.fail('The VM has no processor time.');
          const grew = await comesTrue(async () => {
            const next = await figuresOf(metrics, vm);
            expect(next.takenAtMs).toBeGreaterThan(last.takenAtMs);
            const [before, after] = [countersOf(last), countersOf(next)];
            for (const [name, value] of before) expect(after.get(name) ?? -1n, name).toBeGreaterThanOrEqual(value);
            last = next;
            return (next.cpu?.timeNsTotal ?? 0n) > first;
          }, WORKS_MS);
          expect(grew).toBe(true);
        }),
    },
    {
      name: 'what a guest reads from its disk is counted in bytes and requests',
      run: () =>
        withMetrics(arrange, async ({ metrics, power, vm }) => {
          await power.start(vm, calm);
          const isCounted = await comesTrue(async () => {
            const read = (await figuresOf(metrics, vm)).disks[0]?.read;
            expect(read?.bytesTotal ?? 0n).toBeGreaterThanOrEqual((read?.requestsTotal ?? 0n) * SECTOR);
            return read !== undefined && read.requestsTotal > 0n;
          }, WORKS_MS);
          expect(isCounted).toBe(true);
        }),
    },
  ];
}

function askChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'only those that are asked about are told of, and who is not there is left out',
      run: () =>
        withMetrics(arrange, async ({ metrics, vm, absent }) => {
          const told = async (vms: readonly VMId[]) => (await Array.fromAsync(metrics.sample({ ...calm, vms }))).map((figures) => figures.vm);
          expect(await told([vm, absent])).toEqual([vm]);
          expect(await told([])).toEqual([]);
        }),
    },
    {
      name: 'a cancelled sample rejects with the reason',
      run: () => withMetrics(arrange, ({ metrics }) => expectCancelled((o) => Array.fromAsync(metrics.sample(o)))),
    },
  ];
}

async function figuresOf(metrics: Metrics, vm: VMId): Promise<VMMetrics> {
  const [figures, ...more] = await Array.fromAsync(metrics.sample({ ...calm, vms: [vm] }));
  expect(more).toEqual([]);
  return figures ?? expect.fail(`There are no figures of ${vm}.`);
}

/** Everything in there that counts, by the way to it. */
function countersOf(value: unknown, path = ''): ReadonlyMap<string, bigint> {
  if (typeof value === 'bigint') return new Map([[path, value]]);
  if (typeof value !== 'object' || value === null) return new Map();
  return new Map(Object.entries(value).flatMap(([name, inner]) => [...countersOf(inner, `${path}/${name}`)]));
}

async function withMetrics(arrange: ArrangeProvider, check: (measured: Measured) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  await using session = await subject.open();
  const { metrics, power, inventory } = session.facets;
  if (!metrics || !power || !subject.power) expect.fail('The session has no metrics or power facet, or the test no VMs to measure.');
  await check({ metrics, inventory, power, vm: subject.power.deaf, absent: subject.absent });
}
