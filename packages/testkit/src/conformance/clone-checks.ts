import type { VMId, VMInfo } from '@hypersdk/domain';
import type { Clone, CloneProgress, CloneRequest, Inventory, ProviderSession } from '@hypersdk/ports';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm, expectCancelled, expectRefusal } from './expectations.ts';
import { listAll } from './inventory-checks.ts';
import type { ArrangeProvider, CloneSubject, ProviderSubject } from './provider-contract.ts';

interface Cloned extends CloneSubject {
  readonly clone: Clone;
  readonly inventory: Inventory;
  readonly session: ProviderSession;
  readonly subject: ProviderSubject;
  readonly request: CloneRequest;
}

/** What every `clone` facet promises. */
export const cloneChecks = (arrange: ArrangeProvider): readonly Check[] => [
  ...makeChecks(arrange),
  ...courseChecks(arrange),
  ...refusalChecks(arrange),
];

const KINDS = ['copied', 'linked'] as const satisfies readonly CloneRequest['disks'][];

function makeChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a clone is listed, off, as one of its own, with the content of its source',
      run: () =>
        withClone(arrange, async ({ clone, inventory, source, request, rootsOf }) => {
          const original = await inventory.get(source, calm);
          for (const disks of KINDS) {
            const { vm } = await clone.run(source, { ...request, name: `${request.name}-${disks}`, disks }, calm);
            expect(vm).toMatchObject({ name: `${request.name}-${disks}`, powerState: 'stopped' });
            expect(vm.id).not.toBe(original.id);
            expect(await inventory.get(vm.id, calm)).toEqual(vm);
            expect(namesOf(await listAll(inventory))).toContain(vm.name);
            expect(vm.disks.map(({ id }) => id)).toEqual(original.disks.map(({ id }) => id));
            expect(await rootsOf(vm)).toEqual(await rootsOf(original));
            expect(intersection(macsOf(vm), macsOf(original))).toEqual([]);
          }
        }),
    },
    {
      name: 'the source stays as it was, whatever its clones write',
      run: () =>
        withClone(arrange, async ({ clone, inventory, source, request, rootsOf, subject }) => {
          const original = await inventory.get(source, calm);
          const roots = await rootsOf(original);
          for (const disks of KINDS) {
            const { vm } = await clone.run(source, { ...request, name: `${request.name}-${disks}`, disks }, calm);
            await subject.writeToDisk(vm);
            expect(await rootsOf(vm)).not.toEqual(roots);
          }
          expect(await rootsOf(original)).toEqual(roots);
          const { id, name, powerState, nics, disks } = original;
          expect(await inventory.get(source, calm)).toMatchObject({ id, name, powerState, nics, disks: disks.map(({ location }) => ({ location })) });
        }),
    },
    {
      name: 'a copied clone does not see what its source is written afterwards',
      run: () =>
        withClone(arrange, async ({ clone, inventory, source, request, rootsOf, subject }) => {
          const { vm } = await clone.run(source, request, calm);
          const roots = await rootsOf(vm);
          await subject.writeToDisk(await inventory.get(source, calm));
          expect(await rootsOf(vm)).toEqual(roots);
        }),
    },
  ];
}

function courseChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'how far each disk is cloned is told to its end',
      run: () =>
        withClone(arrange, async ({ clone, inventory, source, request }) => {
          const told: CloneProgress[] = [];
          await clone.run(source, request, { ...calm, onProgress: (progress) => void told.push(progress) });
          expect(told.every(({ copied, expected }) => copied >= 0 && copied <= expected)).toBe(true);
          const ended = told.filter(({ copied, expected }) => copied === expected).map(({ disk }) => disk.id);
          expect([...new Set(ended)]).toEqual((await inventory.get(source, calm)).disks.map(({ id }) => id));
        }),
    },
    {
      name: 'a plan says what is needed and what a link means, and makes nothing',
      run: () =>
        withClone(arrange, async ({ clone, inventory, source, request }) => {
          const { name } = await inventory.get(source, calm);
          const copied = await clone.plan(source, request, calm);
          const linked = await clone.plan(source, { ...request, disks: 'linked' }, calm);
          expect(copied.bytesNeeded).toBeGreaterThan(0);
          expect(linked.bytesNeeded).toBeLessThan(copied.bytesNeeded);
          expect(linked.warnings.filter((warning) => !copied.warnings.includes(warning)).join(' ')).toContain(name);
          expect(namesOf(await listAll(inventory))).not.toContain(request.name);
        }),
    },
    {
      name: 'a cancelled clone rejects with the reason and leaves nothing',
      run: () =>
        withClone(arrange, async ({ clone, inventory, source, request }) => {
          await expectCancelled((o) => clone.plan(source, request, o));
          await expectCancelled((o) => clone.run(source, request, o));
          const stop = new AbortController();
          const reason = new Error('stopped on the way');
          const run = clone.run(source, request, { signal: stop.signal, onProgress: () => stop.abort(reason) });
          await expect(run).rejects.toBe(reason);
          expect(namesOf(await listAll(inventory))).not.toContain(request.name);
        }),
    },
  ];
}

function refusalChecks(arrange: ArrangeProvider): readonly Check[] {
  const expectNone = async ({ clone, inventory, request }: Cloned, source: VMId, code: 'vm/exists' | 'vm/not-found' | 'vm/wrong-state') => {
    const before = namesOf(await listAll(inventory));
    for (const disks of KINDS) {
      await expectRefusal(clone.plan(source, { ...request, disks }, calm), code);
      await expectRefusal(clone.run(source, { ...request, disks }, calm), code);
    }
    expect(namesOf(await listAll(inventory))).toEqual(before);
  };
  return [
    {
      name: 'a name is taken once, which plans know too',
      run: () =>
        withClone(arrange, async (cloned) => {
          await cloned.clone.run(cloned.source, cloned.request, calm);
          await expectNone(cloned, cloned.source, 'vm/exists');
        }),
    },
    {
      name: 'a VM that is not there is not cloned',
      run: () => withClone(arrange, (cloned) => expectNone(cloned, cloned.subject.absent, 'vm/not-found')),
    },
    {
      name: 'a VM that runs is not cloned',
      run: () =>
        withClone(arrange, async (cloned) => {
          const { power } = cloned.session.facets;
          if (!power) expect.fail('The session has no power facet.');
          await power.start(cloned.source, calm);
          await expectNone(cloned, cloned.source, 'vm/wrong-state');
          await power.powerOff(cloned.source, calm);
        }),
    },
  ];
}

const namesOf = (vms: readonly VMInfo[]): readonly string[] => vms.map(({ name }) => name).toSorted();
const macsOf = ({ nics }: VMInfo): readonly string[] => nics.flatMap(({ mac }) => mac ?? []);
const intersection = (a: readonly string[], b: readonly string[]): readonly string[] => a.filter((one) => b.includes(one));

async function withClone(arrange: ArrangeProvider, check: (cloned: Cloned) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  await using session = await subject.open();
  const { clone, inventory } = session.facets;
  if (!clone || !subject.clone) expect.fail('The session has no clone facet, or the test nothing to clone.');
  const { source } = subject.clone;
  const { name } = await inventory.get(source, calm);
  await check({ ...subject.clone, clone, inventory, session, subject, request: { name: `${name} copy`, disks: 'copied' } });
}
