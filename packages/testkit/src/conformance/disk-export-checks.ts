import { toDiskId, type VMInfo } from '@hypersdk/domain';
import type { DiskExport, ProviderSession } from '@hypersdk/ports';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm, expectCancelled, expectRefusal, expectRejection } from './expectations.ts';
import { listAll } from './inventory-checks.ts';
import type { ArrangeProvider, ProviderSubject } from './provider-contract.ts';

interface Exporting {
  readonly subject: ProviderSubject;
  readonly session: ProviderSession;
  readonly diskExport: DiskExport;
  /** A VM with at least two disks. */
  readonly vm: VMInfo;
}

/** What every `diskExport` facet promises. */
export const diskExportChecks = (arrange: ArrangeProvider): readonly Check[] => [
  ...leaseChecks(arrange),
  ...markChecks(arrange),
  ...refusalChecks(arrange),
];

function leaseChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a lease holds every disk of the VM',
      run: () =>
        withExport(arrange, async ({ diskExport, vm }) => {
          await using lease = await diskExport.open(vm.id, calm);
          expect(lease.vm).toEqual(vm);
          expect(lease.disks.map(({ disk }) => disk)).toEqual(vm.disks);
        }),
    },
    {
      name: 'a lease on named disks holds just those',
      run: () =>
        withExport(arrange, async ({ diskExport, vm }) => {
          const last = vm.disks.at(-1)?.id ?? toDiskId('');
          await using lease = await diskExport.open(vm.id, { ...calm, disks: [last] });
          expect(lease.disks.map(({ disk }) => disk.id)).toEqual([last]);
        }),
    },
    {
      name: 'locators are plain data that another thread can use',
      run: () =>
        withExport(arrange, async ({ diskExport, vm }) => {
          await using lease = await diskExport.open(vm.id, calm);
          for (const { locator } of lease.disks) expect(JSON.parse(JSON.stringify(locator))).toEqual(structuredClone(locator));
          expect(new Set(lease.disks.map(({ locator }) => JSON.stringify(locator))).size).toBe(lease.disks.length);
        }),
    },
    {
      name: 'letting go of a lease again is no error, and the VM can be held anew',
      run: () =>
        withExport(arrange, async ({ diskExport, vm }) => {
          const lease = await diskExport.open(vm.id, calm);
          await lease[Symbol.asyncDispose]();
          await lease[Symbol.asyncDispose]();
          await using again = await diskExport.open(vm.id, calm);
          expect(again.disks).toHaveLength(vm.disks.length);
        }),
    },
  ];
}

function markChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'marks are equal while nothing changes, and the check passes',
      run: () =>
        withExport(arrange, async ({ diskExport, vm, subject }) => {
          await using lease = await diskExport.open(vm.id, calm);
          await using elsewhere = await subject.open();
          await using again = await exportOf(elsewhere).open(vm.id, calm);
          expect(again.disks.map(({ mark }) => mark)).toEqual(lease.disks.map(({ mark }) => mark));
          expect(lease.disks.every(({ mark }) => mark !== '')).toBe(true);
          await lease.check(calm);
          await lease.check(calm);
        }),
    },
    {
      name: 'a write to a disk is noticed, in the check and in the marks',
      run: () =>
        withExport(arrange, async ({ diskExport, vm, subject }) => {
          await using lease = await diskExport.open(vm.id, calm);
          await subject.writeToDisk(vm);
          await using again = await diskExport.open(vm.id, calm);
          const [before, after] = [lease, again].map(({ disks }) => disks.map(({ mark }) => mark));
          expect(after?.[0]).not.toBe(before?.[0]);
          expect(after?.slice(1)).toEqual(before?.slice(1));
          // A lease that holds the old content in a place of its own (a snapshot) may pass; one that reads where the guest writes may not.
          const ownPlace = JSON.stringify(lease.disks[0]?.locator) !== JSON.stringify(again.disks[0]?.locator);
          if (!ownPlace) await expectRefusal(lease.check(calm), 'source/changed');
        }),
    },
  ];
}

function refusalChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'an unknown VM cannot be held',
      run: () =>
        withExport(arrange, ({ diskExport, subject }) => expectRefusal(diskExport.open(subject.absent, calm), 'vm/not-found').then(() => {})),
    },
    {
      name: 'an unknown disk is refused, not left out',
      run: () =>
        withExport(arrange, async ({ diskExport, vm }) => {
          const known = vm.disks[0]?.id ?? toDiskId('');
          await expectRejection(diskExport.open(vm.id, { ...calm, disks: [known, toDiskId('no-such-disk')] }));
        }),
    },
    {
      name: 'a cancelled open or check rejects with the reason',
      run: () =>
        withExport(arrange, async ({ diskExport, vm }) => {
          await expectCancelled((o) => diskExport.open(vm.id, o));
          await using lease = await diskExport.open(vm.id, calm);
          await expectCancelled((o) => lease.check(o));
        }),
    },
  ];
}

async function withExport(arrange: ArrangeProvider, check: (exporting: Exporting) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  await using session = await subject.open();
  const vm = (await listAll(session.facets.inventory)).find(({ disks }) => disks.length >= 2);
  if (!vm) expect.fail('There is no VM with two disks to try the export with.');
  await check({ subject, session, diskExport: exportOf(session), vm });
}

function exportOf({ facets }: ProviderSession): DiskExport {
  if (!facets.diskExport) expect.fail('The session has no diskExport facet.');
  return facets.diskExport;
}
