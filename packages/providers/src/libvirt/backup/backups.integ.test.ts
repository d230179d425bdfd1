import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { nbdDisks, openTransfer } from '@hypersdk/disk';
import { toDiskId, toVMId, type SourceEffect, type VMId } from '@hypersdk/domain';
import type { BlockLocator, ExportLease, Facets, LeaseRequest, ProviderSession } from '@hypersdk/ports';
import { type ArrangeProvider, calm, changedBlocksChecks, MemoryEffectJournal, missing, registerChecks } from '@hypersdk/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../build-guest.ts';
import { giveAway, type Libvirtd, openLibvirtd } from '../build-libvirtd.ts';
import { libvirtProvider } from '../libvirt-provider.ts';

const TIMEOUT_MS = 120_000;
const VDA = toDiskId('vda');

type Exporting = Required<Pick<Facets, 'diskExport' | 'changedBlocks' | 'residue'>>;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io', 'nbdcopy'))(
  'disks of guests of a real libvirt daemon',
  { timeout: TIMEOUT_MS },
  () => {
    let daemon: Libvirtd;
    let scratch = '';
    let copies = '';
    let journal: MemoryEffectJournal;
    let runs = 0;
    const alive = new Set<string>();

    beforeAll(async () => {
      daemon = await openLibvirtd();
      ({ scratch } = daemon);
      copies = await mkdtemp(join(tmpdir(), 'hypersdk-backups-'));
    }, TIMEOUT_MS);
    afterAll(async () => {
      await daemon?.[Symbol.asyncDispose]();
      await rm(copies, { recursive: true, force: true });
    });
    beforeEach(() => {
      journal = new MemoryEffectJournal();
      alive.clear();
    });

    /** A session of a run of its own. */
    async function openRun(): Promise<ProviderSession & { readonly run: string; readonly exporting: Exporting }> {
      const run = `RUN${(runs += 1)}`;
      alive.add(run);
      const work = { run, effects: journal, isRunning: (other: string) => alive.has(other), takeOver: (other: string) => void alive.add(other) };
      const session = await libvirtProvider.open(libvirtProvider.parse({ uri: daemon.uri, scratchFolder: scratch }), { ...calm, work });
      const { diskExport, changedBlocks, residue }: Partial<Facets> = session.facets;
      if (!diskExport || !changedBlocks || !residue) throw new Error('The session cannot export.');
      return { ...session, run, exporting: { diskExport, changedBlocks, residue } };
    }

    async function guest(
      kind: 'writing' | 'deaf',
      o: { readonly isRunning: boolean; readonly disks?: readonly string[] },
    ): Promise<{ readonly id: VMId; readonly name: string }> {
      const name = `${kind}-${(runs += 1)}`;
      const id = toVMId(await defineGuest(daemon, { name, kind, disks: o.disks ?? ['vda'] }));
      if (o.isRunning) daemon.virsh('start', name);
      return { id, name };
    }

    /** One VM for each check, which is off: its image can be written to as by a guest. */
    const arrange: ArrangeProvider = async () => {
      const { id, name } = await guest('deaf', { isRunning: false, disks: ['vda', 'vdb'] });
      return {
        open: openRun,
        absent: toVMId('00000000-0000-4000-8000-000000000000'),
        writeToDisk: async () => {
          execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 7 1M 4k', diskPath(daemon, name, 'vda')]);
          await giveAway(diskPath(daemon, name, 'vda'));
        },
        [Symbol.asyncDispose]: async () => {
          daemon.virsh('undefine', id, '--checkpoints-metadata');
        },
      };
    };
    registerChecks('what changed', changedBlocksChecks(arrange));

    const stateOf = (name: string): string => daemon.virsh('domstate', name).trim();

    async function expectClean(name: string, o: { readonly checkpoints?: number } = {}): Promise<void> {
      expect(await readdir(scratch)).toEqual([]);
      expect((await journal.list(calm)).filter(({ isKept }) => !isKept)).toEqual([]);
      expect(daemon.virsh('checkpoint-list', name, '--name').trim().split('\n').filter(Boolean)).toHaveLength(o.checkpoints ?? 0);
      const job = () => daemon.virsh('backup-dumpxml', name);
      expect(job).toThrow();
    }

    /** What an independent client reads from where the lease says the disk is. */
    function readWithNbdcopy(locator: BlockLocator | undefined): string {
      if (locator?.kind !== 'nbd' || !('path' in locator.server)) throw new Error('The disk is not at a socket.');
      const path = join(copies, `nbdcopy-${(runs += 1)}.raw`);
      execFileSync('nbdcopy', [`nbd+unix:///${locator.exportName}?socket=${locator.server.path}`, path]);
      return path;
    }

    async function copyWithEngine(locator: BlockLocator | undefined): Promise<{ readonly path: string; readonly dataRead: number }> {
      if (locator?.kind !== 'nbd') throw new Error('There is no disk.');
      await using transfer = openTransfer({ workers: 2 });
      const path = join(copies, `ours-${(runs += 1)}.qcow2`);
      const request = {
        source: locator,
        sourceMark: nbdDisks.mark(locator),
        path,
        settings: { format: 'qcow2' },
        digest: 'tree',
        durability: 'sync',
      } as const;
      const { dataRead } = await transfer.copy({ ...request, verifyPercent: 100, overwrite: false, restart: false }, calm);
      return { path, dataRead };
    }

    const expectSame = (a: string, b: string): string => execFileSync('qemu-img', ['compare', '-q', a, b], { encoding: 'utf8' });
    const lease = (o: Exporting, id: VMId, request: Omit<LeaseRequest, 'signal'> = {}): Promise<ExportLease> =>
      o.diskExport.open(id, { ...calm, ...request });
    const fresh = { changes: { since: new Map() } };

    test('a running guest is read as it was at one moment, while it writes on', async () => {
      const { id, name } = await guest('writing', { isRunning: true, disks: ['vda', 'vdb'] });
      await using session = await openRun();
      await delay(1000);
      {
        await using held = await lease(session.exporting, id);
        expect(held).toMatchObject({ consistency: 'crash', vm: { name, powerState: 'running' } });
        const first = readWithNbdcopy(held.disks[0]?.locator);
        await delay(1500);
        const { path } = await copyWithEngine(held.disks[0]?.locator);
        expectSame(first, path);
        expectSame(readWithNbdcopy(held.disks[1]?.locator), (await copyWithEngine(held.disks[1]?.locator)).path);
        await held.check(calm);
      }
      expect(stateOf(name)).toBe('running');
      await expectClean(name);
      {
        await using later = await lease(session.exporting, id);
        const { path } = await copyWithEngine(later.disks[0]?.locator);
        expect(() => expectSame(readWithNbdcopy(later.disks[1]?.locator), path)).toThrow();
      }
      await expectClean(name);
    });

    test('a guest that is off is read without running, and is off again', async () => {
      const { id, name } = await guest('writing', { isRunning: false });
      await using session = await openRun();
      {
        await using held = await lease(session.exporting, id);
        expect(held).toMatchObject({ consistency: 'filesystem', vm: { powerState: 'stopped' } });
        expect(stateOf(name)).toBe('paused');
        const { path } = await copyWithEngine(held.disks[0]?.locator);
        const { path: again } = await copyWithEngine(held.disks[0]?.locator);
        expectSame(path, again);
      }
      expect(stateOf(name)).toBe('shut off');
      await expectClean(name);
      await using held = await lease(session.exporting, id);
      const { path } = await copyWithEngine(held.disks[0]?.locator);
      await held[Symbol.asyncDispose]();
      expectSame(diskPath(daemon, name, 'vda'), path);
    });

    test('a guest that somebody let run meanwhile is left running', async () => {
      const { id, name } = await guest('deaf', { isRunning: false });
      await using session = await openRun();
      const held = await lease(session.exporting, id);
      daemon.virsh('resume', name);
      await held[Symbol.asyncDispose]();
      expect(stateOf(name)).toBe('running');
      await expectClean(name);
    });

    test('what changed since an export is told, and nothing else is read', async () => {
      const { id, name } = await guest('writing', { isRunning: true });
      await using session = await openRun();
      const first = await lease(session.exporting, id, fresh);
      const mark = first.disks[0]?.mark ?? '';
      await first.complete?.(calm);
      await first[Symbol.asyncDispose]();
      await expectClean(name, { checkpoints: 1 });

      await delay(2000);
      await using next = await openRun();
      const second = await lease(next.exporting, id, { changes: { since: new Map([[VDA, mark]]) } });
      const [disk] = second.disks;
      if (!disk) throw new Error('There is no disk.');
      const changes = await next.exporting.changedBlocks.since(disk, mark, calm);
      if (changes.kind !== 'changed') throw new Error(`The changes are ${changes.kind}.`);
      const { dataRead } = await copyWithEngine(changes.locator);
      // Some 36 writes, each in a cluster of its own of 64 KiB.
      expect(dataRead).toBeGreaterThan(10 * 65_536);
      expect(dataRead).toBeLessThan(90 * 65_536);
      await second.complete?.(calm);
      await second[Symbol.asyncDispose]();
      await expectClean(name, { checkpoints: 1 });
      expect(await next.exporting.changedBlocks.since(disk, 'another mark', calm)).toMatchObject({ kind: 'unknown' });
    });

    test('an export that does not become complete leaves no checkpoint, and the one before stays', async () => {
      const { id, name } = await guest('writing', { isRunning: true });
      await using session = await openRun();
      const first = await lease(session.exporting, id, fresh);
      await first.complete?.(calm);
      await first[Symbol.asyncDispose]();
      await using next = await openRun();
      const second = await lease(next.exporting, id, { changes: { since: new Map([[VDA, first.disks[0]?.mark ?? '']]) } });
      await second[Symbol.asyncDispose]();
      await expectClean(name, { checkpoints: 1 });
      await using third = await openRun();
      await using again = await lease(third.exporting, id, { changes: { since: new Map([[VDA, first.disks[0]?.mark ?? '']]) } });
      const [disk] = again.disks;
      if (!disk) throw new Error('There is no disk.');
      expect(await third.exporting.changedBlocks.since(disk, first.disks[0]?.mark ?? '', calm)).toMatchObject({ kind: 'changed' });
    });

    test('records that QEMU could not finish are of no use: all is read, and the reason is told', async () => {
      const { id, name } = await guest('writing', { isRunning: true });
      await using session = await openRun();
      const first = await lease(session.exporting, id, fresh);
      const mark = first.disks[0]?.mark ?? '';
      await first.complete?.(calm);
      await first[Symbol.asyncDispose]();
      killGuest(name);
      await until(() => stateOf(name) === 'shut off');
      daemon.virsh('start', name);
      await using next = await openRun();
      await using second = await lease(next.exporting, id, { changes: { since: new Map([[VDA, mark]]) } });
      const [disk] = second.disks;
      if (!disk) throw new Error('There is no disk.');
      expect(await next.exporting.changedBlocks.since(disk, mark, calm)).toMatchObject({
        kind: 'unknown',
        reason: expect.stringMatching(/bitmap|checkpoint/),
      });
      expectSame(readWithNbdcopy(disk.locator), (await copyWithEngine(disk.locator)).path);
      await second.complete?.(calm);
    });

    test('a guest that dies while it is read is noticed, and nothing is left', async () => {
      const { id, name } = await guest('writing', { isRunning: true });
      await using session = await openRun();
      const held = await lease(session.exporting, id, fresh);
      killGuest(name);
      await until(() => stateOf(name) === 'shut off');
      await expect(held.check(calm)).rejects.toMatchObject({ code: 'source/changed' });
      await held[Symbol.asyncDispose]();
      await expectClean(name);
    });

    test('a daemon that is killed and started again is asked over a new connection, while the disk is read on', async () => {
      const { id, name } = await guest('writing', { isRunning: true });
      await using session = await openRun();
      {
        await using held = await lease(session.exporting, id, fresh);
        const first = readWithNbdcopy(held.disks[0]?.locator);
        await daemon.kill();
        const copied = copyWithEngine(held.disks[0]?.locator);
        const checked = held.check(calm);
        await delay(500);
        await daemon.start();
        await checked;
        expectSame(first, (await copied).path);
      }
      expect(stateOf(name)).toBe('running');
      await expectClean(name);
    });

    test('an export whose checkpoint is kept was whole: its backup is not gone on with, and the next one begins at it', async () => {
      const { id, name } = await guest('writing', { isRunning: true });
      const dead = await openRun();
      const first = await lease(dead.exporting, id, fresh);
      const mark = first.disks[0]?.mark ?? '';
      await first.complete?.(calm);
      await dead[Symbol.asyncDispose]();
      alive.delete(dead.run);
      await delay(500);
      await using next = await openRun();
      const second = await lease(next.exporting, id, { changes: { since: new Map([[VDA, mark]]), earlier: [mark] } });
      const [disk] = second.disks;
      if (!disk) throw new Error('There is no disk.');
      expect(disk.mark).not.toBe(mark);
      expect(await next.exporting.changedBlocks.since(disk, mark, calm)).toMatchObject({ kind: 'changed' });
      await second.complete?.(calm);
      await second[Symbol.asyncDispose]();
      await expectClean(name, { checkpoints: 1 });
    });

    test('the backup of a run that was killed is taken up by the next one, at its very moment', async () => {
      const { id, name } = await guest('writing', { isRunning: true });
      const dead = await openRun();
      const held = await lease(dead.exporting, id);
      const before = readWithNbdcopy(held.disks[0]?.locator);
      // The process is gone: nobody disposes of anything, and its connection ends.
      await dead[Symbol.asyncDispose]();
      alive.delete(dead.run);
      await delay(1000);
      await using next = await openRun();
      const taken = await lease(next.exporting, id);
      expect(taken.disks.map(({ mark }) => mark)).toEqual(held.disks.map(({ mark }) => mark));
      expectSame(before, (await copyWithEngine(taken.disks[0]?.locator)).path);
      await taken[Symbol.asyncDispose]();
      await expectClean(name);
    });

    test('the backup of a run that goes on, and any of other programs, is left alone', async () => {
      const { id } = await guest('writing', { isRunning: true });
      await using session = await openRun();
      await using held = await lease(session.exporting, id);
      await using other = await openRun();
      await expect(lease(other.exporting, id)).rejects.toMatchObject({ code: 'vm/busy' });
      await held.check(calm);
    });

    test('all that a killed run left is found by its name and taken away', async () => {
      const { id, name } = await guest('writing', { isRunning: false });
      const dead = await openRun();
      await lease(dead.exporting, id, fresh);
      await dead[Symbol.asyncDispose]();
      await using next = await openRun();
      const found: SourceEffect[] = [];
      for await (const effect of next.exporting.residue.find(calm)) if (effect.vm === id) found.push(effect);
      expect(found.map(({ kind, run }) => [kind, run])).toEqual([
        ['checkpoint', dead.run],
        ['backup-job', dead.run],
        ['vm', dead.run],
      ]);
      const journalled = (await journal.list(calm)).map(({ effect }) => effect);
      expect(journalled).toEqual(expect.arrayContaining(found));
      for (const kind of ['backup-job', 'checkpoint', 'vm', 'scratch-file'] as const) {
        for (const effect of journalled.filter((one) => one.kind === kind)) {
          expect(await next.exporting.residue.undo(effect, calm)).toBe(kind !== 'scratch-file');
          expect(await next.exporting.residue.undo(effect, calm)).toBe(false);
          await journal.settle(effect, calm);
        }
      }
      expect(stateOf(name)).toBe('shut off');
      await expectClean(name);
    });

    test('an export that is stopped while it begins leaves nothing', async () => {
      const { id, name } = await guest('writing', { isRunning: false });
      await using session = await openRun();
      for (const afterMs of [0, 5, 20, 60, 150]) {
        const stop = new AbortController();
        const opened = session.exporting.diskExport.open(id, { signal: stop.signal, ...fresh }).catch((error: unknown) => error);
        await delay(afterMs);
        stop.abort(new Error('stopped'));
        const result = await opened;
        if (result instanceof Object && Symbol.asyncDispose in result) await (result as ExportLease)[Symbol.asyncDispose]();
        expect(stateOf(name)).toBe('shut off');
        await expectClean(name);
      }
    });

    function killGuest(name: string): void {
      const pid = execFileSync('pgrep', ['-f', `guest=${name},`], { encoding: 'utf8' })
        .trim()
        .split('\n');
      for (const one of pid) process.kill(Number(one), 'SIGKILL');
    }

    async function until(isSo: () => boolean): Promise<void> {
      for (let tries = 0; tries < 200 && !isSo(); tries += 1) await delay(50);
      expect(isSo()).toBe(true);
      expect(existsSync(daemon.socket)).toBe(true);
    }
  },
);
