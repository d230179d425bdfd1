import type { DiskId, VMInfo } from '@hypersdk/domain';
import type { ChangedBlocks, DiskExport, ExportableDisk } from '@hypersdk/ports';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm } from './expectations.ts';
import { listAll } from './inventory-checks.ts';
import type { ArrangeProvider, ProviderSubject } from './provider-contract.ts';

interface Telling {
  readonly subject: ProviderSubject;
  readonly vm: VMInfo;
  /** Holds the VM once, by a session of its own, asks about its first two disks, and lets go of it as of a complete export. */
  ask<Answer>(since: ReadonlyMap<DiskId, string>, question: Question<Answer>): Promise<Answer>;
}

type Question<Answer> = (asked: {
  readonly changedBlocks: ChangedBlocks;
  readonly first: ExportableDisk;
  readonly second: ExportableDisk;
}) => Promise<Answer>;

/** What every `changedBlocks` facet promises. Whether it can tell a change is its platform's affair; what it tells must not be too little. */
export const changedBlocksChecks = (arrange: ArrangeProvider): readonly Check[] => [
  {
    name: 'a disk has not changed since its own mark',
    run: () =>
      withTelling(arrange, async ({ ask }) => {
        const answer = await ask(new Map(), ({ changedBlocks, first }) => changedBlocks.since(first, first.mark, calm));
        expect(answer).toEqual({ kind: 'unchanged' });
      }),
  },
  {
    name: 'what changed since a mark that nobody gave is unknown, for a reason',
    run: () =>
      withTelling(arrange, async ({ ask }) => {
        const answer = await ask(new Map(), ({ changedBlocks, first }) => changedBlocks.since(first, 'a mark that nobody gave', calm));
        expect(answer).toEqual({ kind: 'unknown', reason: expect.stringMatching(/\w/) });
      }),
  },
  {
    name: 'the mark of another disk is none of this one',
    run: () =>
      withTelling(arrange, async ({ ask }) => {
        const answer = await ask(new Map(), ({ changedBlocks, first, second }) => changedBlocks.since(first, second.mark, calm));
        expect(answer.kind).toBe('unknown');
      }),
  },
  {
    name: 'a disk that was written since is never called unchanged, and where its changes are told they can be read by any thread',
    run: () =>
      withTelling(arrange, async ({ ask, subject, vm }) => {
        const before = await ask(new Map(), async ({ first }) => ({ id: first.disk.id, mark: first.mark }));
        await subject.writeToDisk(vm);
        const answer = await ask(new Map([[before.id, before.mark]]), ({ changedBlocks, first }) => changedBlocks.since(first, before.mark, calm));
        expect(['changed', 'unknown']).toContain(answer.kind);
        if (answer.kind !== 'changed') return;
        expect(JSON.parse(JSON.stringify(answer.locator))).toEqual(structuredClone(answer.locator));
        expect(answer.mark).not.toBe(before.mark);
      }),
  },
];

async function withTelling(arrange: ArrangeProvider, check: (telling: Telling) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  const vm = await findVM(subject);
  await check({
    subject,
    vm,
    async ask(since, question) {
      await using session = await subject.open();
      const { changedBlocks, diskExport } = session.facets;
      if (!changedBlocks || !diskExport) expect.fail('The session has no changedBlocks facet, or no diskExport beside it.');
      return await askOnce(diskExport, { vm, since, question: (held) => question({ changedBlocks, ...held }) });
    },
  });
}

async function findVM(subject: ProviderSubject): Promise<VMInfo> {
  await using session = await subject.open();
  const vm = (await listAll(session.facets.inventory)).find(({ disks }) => disks.length >= 2);
  return vm ?? expect.fail('There is no VM with two disks to ask about.');
}

interface Asked<Answer> {
  readonly vm: VMInfo;
  readonly since: ReadonlyMap<DiskId, string>;
  readonly question: (held: { readonly first: ExportableDisk; readonly second: ExportableDisk }) => Promise<Answer>;
}

async function askOnce<Answer>(diskExport: DiskExport, { vm, since, question }: Asked<Answer>): Promise<Answer> {
  await using lease = await diskExport.open(vm.id, { ...calm, changes: { since } });
  const [first, second] = lease.disks;
  if (!first || !second) return expect.fail('The lease does not hold two disks.');
  const answer = await question({ first, second });
  await lease.complete?.(calm);
  return answer;
}
