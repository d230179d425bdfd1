import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openTransfer } from '@hypersdk/disk';
import { toVMId, type SourceEffect, type VMInfo } from '@hypersdk/domain';
import type { BlockLocator, Facets, ProviderSession, RestorableDisk, RestoreRequest } from '@hypersdk/ports';
import { type ArrangeProvider, calm, contentDigest, MemoryEffectJournal, missing, registerChecks, restoreChecks } from '@hypersdk/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../build-guest.ts';
import { type Libvirtd, openLibvirtd } from '../build-libvirtd.ts';
import { libvirtProvider } from '../libvirt-provider.ts';
import { makePool } from './build-pool.ts';

const TIMEOUT_MS = 120_000;

type Restoring = Required<Pick<Facets, 'inventory' | 'restore' | 'residue'>>;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io'))(
  'VMs that are restored to a real libvirt daemon',
  { timeout: TIMEOUT_MS },
  () => {
    let home: Libvirtd;
    let away: Libvirtd;
    let journal: MemoryEffectJournal;
    let count = 0;

    beforeAll(async () => {
      [home, away] = await Promise.all([openLibvirtd(), openLibvirtd()]);
      await makePool(away, 'default');
    }, TIMEOUT_MS);
    afterAll(async () => {
      await home?.[Symbol.asyncDispose]();
      await away?.[Symbol.asyncDispose]();
    });
    beforeEach(() => {
      journal = new MemoryEffectJournal();
    });

    async function openRun(daemon: Libvirtd): Promise<ProviderSession & { readonly run: string; readonly facets: Restoring }> {
      const run = `RESTORE${(count += 1)}`;
      const work = { run, effects: journal, isRunning: () => false, takeOver: () => {} };
      const session = await libvirtProvider.open(libvirtProvider.parse({ uri: daemon.uri }), { ...calm, work });
      const { inventory, restore, residue }: Partial<Facets> = session.facets;
      if (!inventory || !restore || !residue) throw new Error('The session cannot restore.');
      return { ...session, run, facets: { inventory, restore, residue } };
    }

    /** A guest at home, as an export of it would be: its description and its disks, with their content. */
    async function exported(
      kind: 'writing' | 'obedient' = 'writing',
      disks: readonly string[] = ['vda'],
    ): Promise<Omit<RestoreRequest, 'identity' | 'start'>> {
      const name = `${kind}-${(count += 1)}`;
      const id = toVMId(await defineGuest(home, { name, kind, disks }));
      await using session = await openRun(home);
      const vm = await session.facets.inventory.get(id, calm);
      await using transfer = openTransfer({ workers: 1 });
      const restorable: RestorableDisk[] = [];
      for (const disk of vm.disks) {
        const source: BlockLocator = { kind: 'image', image: { path: disk.location, format: 'qcow2', references: 'refuse' } };
        restorable.push({ disk, source, content: await transfer.digest(source, calm) });
      }
      return { vm, disks: restorable, name: `${name} & copy` };
    }

    const arrange: ArrangeProvider = async () => {
      const made = await exported('writing', ['vda', 'vdb']);
      return {
        open: () => openRun(away),
        absent: toVMId('00000000-0000-4000-8000-000000000000'),
        writeToDisk: async () => {},
        restore: { exported: async () => made, rootsOf: readRoots },
        [Symbol.asyncDispose]: async () => {
          for (const id of away.virsh('list', '--all', '--uuid').trim().split('\n').filter(Boolean))
            away.virsh('undefine', id, '--remove-all-storage');
        },
      };
    };

    /** As QEMU reads the images. */
    async function readRoots({ disks }: VMInfo): Promise<readonly string[]> {
      const raw = join(away.folder, 'read.raw');
      const roots: string[] = [];
      for (const { location } of disks) {
        execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', location, raw]);
        roots.push(contentDigest(await readFile(raw)).root);
        await rm(raw);
      }
      return roots;
    }

    registerChecks('restoring', restoreChecks(arrange));

    const poolFiles = (): Promise<readonly string[]> => readdir(join(away.folder, 'pool-default'));
    const namesAt = (daemon: Libvirtd): string => daemon.virsh('list', '--all', '--name');

    async function expectNothingLeft(before: readonly string[], name: string): Promise<void> {
      expect(await journal.list(calm)).toEqual([]);
      expect(await poolFiles()).toEqual(before);
      expect(namesAt(away)).not.toContain(name);
      await using session = await openRun(away);
      expect(await Array.fromAsync(session.facets.residue.find(calm))).toEqual([]);
    }

    /** The guest writes its marker round and round; a guest that runs changes its image. */
    async function expectBoots(daemon: Libvirtd, vm: VMInfo): Promise<void> {
      const read = (): string => execFileSync('qemu-img', ['map', '-U', '--output=json', vm.disks[0]?.location ?? ''], { encoding: 'utf8' });
      const before = read();
      for (let tries = 0; tries < 200 && read() === before; tries += 1) await delay(100);
      expect(read()).not.toBe(before);
      daemon.virsh('destroy', vm.id);
    }

    test('a guest boots at another daemon, with its content and an identity of its own', async () => {
      const request = await exported('writing', ['vda', 'vdb']);
      await using session = await openRun(away);
      const stages = new Set<string>();
      const { vm, warnings } = await session.facets.restore.run(
        { ...request, identity: 'new', start: false },
        { ...calm, onProgress: ({ disk, progress }) => stages.add(`${disk.id} ${progress.stage}`) },
      );
      expect(vm).toMatchObject({ name: request.name, powerState: 'stopped', cpus: 1, memory: 32 * 1024 ** 2, firmware: 'bios', arch: 'x86_64' });
      expect(vm.id).not.toBe(request.vm.id);
      expect(vm.nics).toHaveLength(1);
      expect(vm.nics[0]?.mac).not.toBe(request.vm.nics[0]?.mac);
      expect(vm.disks.map(({ id, bus, bootOrder }) => ({ id, bus, bootOrder }))).toEqual([
        { id: 'vda', bus: 'virtio', bootOrder: 1 },
        { id: 'vdb', bus: 'virtio', bootOrder: undefined },
      ]);
      for (const [index, disk] of vm.disks.entries()) {
        execFileSync('qemu-img', ['compare', '-q', request.vm.disks[index]?.location ?? '', disk.location]);
        execFileSync('qemu-img', ['check', '-q', disk.location]);
      }
      expect([...stages]).toEqual(expect.arrayContaining(['vda copying', 'vda verifying']));
      expect(warnings.join(' ')).toMatch(/connected to nothing/);
      expect(await journal.list(calm)).toEqual([]);
      expect(await Array.fromAsync(session.facets.residue.find(calm))).toEqual([]);
      away.virsh('start', vm.id);
      await expectBoots(away, vm);
    });

    test('the VM itself comes back, running, and not a second time', async () => {
      const request = await exported();
      await using session = await openRun(away);
      const again = { ...request, identity: 'kept', start: true } as const;
      const { vm } = await session.facets.restore.run(again, calm);
      expect(vm).toMatchObject({ id: request.vm.id, powerState: 'running' });
      expect(vm.nics[0]?.mac).toBe(request.vm.nics[0]?.mac);
      await expectBoots(away, vm);
      const before = await poolFiles();
      for (const taken of [again, { ...again, identity: 'new' as const }, { ...again, name: 'another name' }])
        await expect(session.facets.restore.run(taken, calm)).rejects.toMatchObject({ code: 'vm/exists' });
      expect(await poolFiles()).toEqual(before);
      expect(await journal.list(calm)).toEqual([]);
    });

    test.skipIf(!existsSync('/usr/share/OVMF/OVMF_CODE_4M.ms.fd'))(
      'one with UEFI, secure boot and disks on SCSI and SATA starts as such',
      async () => {
        const request = await exported('obedient', ['vda', 'vdb']);
        const disks = request.disks.map((disk, index) => ({
          ...disk,
          disk: { ...disk.disk, bus: index === 0 ? ('virtio-scsi' as const) : ('sata' as const) },
        }));
        const was = { ...request.vm, firmware: 'uefi', secureBoot: true, machine: 'pc-q35-7.2', memory: 128 * 1024 ** 2 } as const;
        await using session = await openRun(away);
        const { vm, warnings } = await session.facets.restore.run(
          { ...request, vm: was, disks, network: 'none', identity: 'new', start: true },
          calm,
        );
        expect(vm).toMatchObject({ firmware: 'uefi', secureBoot: true, powerState: 'running' });
        expect(new Set(vm.disks.map(({ bus }) => bus))).toEqual(new Set(['sata', 'virtio-scsi']));
        expect(warnings.join(' ')).toMatch(/UEFI/);
        away.virsh('destroy', vm.id);
      },
    );

    test('a VM that cannot be started is restored, and that is said', async () => {
      const request = await exported();
      await using session = await openRun(away);
      // More memory than any host has.
      const hopeless = { ...request, vm: { ...request.vm, memory: 1024 ** 5 }, identity: 'new', start: true } as const;
      await expect(session.facets.restore.run(hopeless, calm)).rejects.toMatchObject({
        code: 'vm/wrong-state',
        message: expect.stringContaining('restored, whole and off'),
      });
      expect(away.virsh('domstate', request.name).trim()).toBe('shut off');
      expect(await journal.list(calm)).toEqual([]);
    });

    test.each([
      ['a pool that there is not', { pool: 'nowhere' }, 'storage-pool/not-found'],
      ['a network that there is not', { network: 'nowhere' }, 'network/not-found'],
    ] as const)('%s is told before anything is made', async (_, wish, code) => {
      const request = await exported();
      const before = await poolFiles();
      await using session = await openRun(away);
      for (const call of ['plan', 'run'] as const)
        await expect(session.facets.restore[call]({ ...request, ...wish, identity: 'new', start: false }, calm)).rejects.toMatchObject({ code });
      await expectNothingLeft(before, request.name);
    });

    test('a pool that does not run is told', async () => {
      const request = await exported();
      await makePool(away, 'resting');
      away.virsh('pool-destroy', 'resting');
      await using session = await openRun(away);
      const wish = { ...request, pool: 'resting', identity: 'new', start: false } as const;
      await expect(session.facets.restore.plan(wish, calm)).rejects.toMatchObject({ code: 'storage-pool/unfit' });
    });

    test.skipIf(process.getuid?.() !== 0 || missing('mount', 'umount'))('a pool that is full is told before, and on the way', async () => {
      const request = await exported('writing', ['vda', 'vdb']);
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 7 1M 12M', diskPath(home, request.vm.name, 'vdb')]);
      await using transfer = openTransfer({ workers: 1 });
      const disks: RestorableDisk[] = [];
      for (const disk of request.disks) disks.push({ ...disk, content: await transfer.digest(disk.source, calm) });
      const folder = join(away.folder, 'small');
      await mkdir(folder);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16M,mode=777', 'tmpfs', folder]);
      try {
        await makePool(away, 'small', folder);
        await using session = await openRun(away);
        const wish = { ...request, disks, pool: 'small', identity: 'new', start: false } as const;
        // Somebody else fills it after it was looked at.
        const filler = join(folder, 'filler');
        const onProgress: NonNullable<Parameters<typeof session.facets.restore.run>[1]['onProgress']> = ({ disk }) =>
          void (disk.id === 'vda' && writeFileSync(filler, Buffer.alloc(10 * 1024 ** 2)));
        await expect(session.facets.restore.run(wish, { ...calm, onProgress })).rejects.toMatchObject({
          code: 'storage-pool/full',
          message: expect.stringContaining('ran full'),
        });
        expect(await readdir(folder)).toEqual(['filler']);
        away.virsh('pool-refresh', 'small');
        await expect(session.facets.restore.plan(wish, calm)).rejects.toMatchObject({ code: 'storage-pool/full' });
        expect(await journal.list(calm)).toEqual([]);
        away.virsh('pool-destroy', 'small');
      } finally {
        execFileSync('umount', ['-l', folder]);
      }
    });

    test('a plan makes nothing', async () => {
      const request = await exported();
      const before = await poolFiles();
      await using session = await openRun(away);
      const plan = await session.facets.restore.plan({ ...request, identity: 'new', start: true }, calm);
      expect(plan).toMatchObject({ pool: 'default', bytesNeeded: expect.any(Number), bytesFree: expect.any(Number) });
      expect(plan.bytesNeeded).toBeLessThan(1024 ** 2);
      await expectNothingLeft(before, request.name);
    });

    test('content that is not what was exported becomes no VM', async () => {
      const request = await exported();
      const before = await poolFiles();
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 1 9M 4k', diskPath(home, request.vm.name, 'vda')]);
      await using session = await openRun(away);
      await expect(session.facets.restore.run({ ...request, identity: 'new', start: true }, calm)).rejects.toMatchObject({ code: 'verify/mismatch' });
      await expectNothingLeft(before, request.name);
    });

    test('a restore that is called off leaves nothing, whenever that is', async () => {
      const request = await exported('writing', ['vda', 'vdb']);
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 7 1M 40M', diskPath(home, request.vm.name, 'vdb')]);
      await using transfer = openTransfer({ workers: 1 });
      const disks: RestorableDisk[] = [];
      for (const disk of request.disks) disks.push({ ...disk, content: await transfer.digest(disk.source, calm) });
      const before = await poolFiles();
      await using session = await openRun(away);
      for (const at of ['vda copying', 'vda verifying', 'vdb copying', 'vdb verifying']) {
        const stop = new AbortController();
        const reason = new Error('stopped');
        const run = session.facets.restore.run(
          { ...request, disks, identity: 'new', start: true },
          { signal: stop.signal, onProgress: ({ disk, progress }) => void (`${disk.id} ${progress.stage}` === at && stop.abort(reason)) },
        );
        await expect(run).rejects.toBe(reason);
        await expectNothingLeft(before, request.name);
      }
    });

    test('what a killed restore left is found by its name and taken away, and what became a VM is not', async () => {
      const request = await exported();
      const before = await poolFiles();
      const dead = await openRun(away);
      const stop = new AbortController();
      // The journal of a process that was killed takes no more records.
      const settle = journal.settle.bind(journal);
      journal.settle = async () => {};
      const run = dead.facets.restore.run({ ...request, identity: 'new', start: false }, { signal: stop.signal });
      await run;
      journal.settle = settle;
      await dead[Symbol.asyncDispose]();
      await using next = await openRun(away);
      expect(await Array.fromAsync(next.facets.residue.find(calm))).toEqual([]);
      const finished = (await journal.list(calm)).map(({ effect }) => effect);
      expect(finished.map(({ kind }) => kind)).toEqual(['volume', 'vm']);
      for (const effect of finished.toReversed()) expect(await next.facets.residue.undo(effect, calm)).toBe(false);
      expect(namesAt(away)).toContain(request.name);
      away.virsh('undefine', request.name);
      const left: SourceEffect[] = await Array.fromAsync(next.facets.residue.find(calm));
      expect(left).toEqual([finished[0]]);
      for (const effect of left) expect(await next.facets.residue.undo(effect, calm)).toBe(true);
      expect(await poolFiles()).toEqual(before);
    });
  },
);
