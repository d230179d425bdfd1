import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toVMId, type VMId, type VMInfo } from '@hypersdk/domain';
import type { CloneRequest, Facets, ProviderSession } from '@hypersdk/ports';
import { type ArrangeProvider, calm, cloneChecks, contentDigest, MemoryEffectJournal, missing, registerChecks } from '@hypersdk/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../build-guest.ts';
import { giveAway, type Libvirtd, openLibvirtd } from '../build-libvirtd.ts';
import { libvirtProvider } from '../libvirt-provider.ts';
import { makePool } from '../restore/build-pool.ts';

const TIMEOUT_MS = 120_000;

type Cloning = Required<Pick<Facets, 'inventory' | 'clone' | 'residue' | 'power'>>;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io'))(
  'VMs that a real libvirt daemon clones',
  { timeout: TIMEOUT_MS },
  () => {
    let daemon: Libvirtd;
    let journal: MemoryEffectJournal;
    let images = '';
    let count = 0;

    beforeAll(async () => {
      daemon = await openLibvirtd();
      images = await makePool(daemon, 'default', join(daemon.folder, 'images'));
    }, TIMEOUT_MS);
    afterAll(() => daemon?.[Symbol.asyncDispose]());
    beforeEach(() => {
      journal = new MemoryEffectJournal();
    });

    async function openRun(): Promise<ProviderSession & { readonly facets: Cloning }> {
      const work = { run: `CLONE${(count += 1)}`, effects: journal, isRunning: () => false, takeOver: () => {} };
      const session = await libvirtProvider.open(libvirtProvider.parse({ uri: daemon.uri }), { ...calm, work });
      const { inventory, clone, residue, power }: Partial<Facets> = session.facets;
      if (!inventory || !clone || !residue || !power) throw new Error('The session cannot clone.');
      return { ...session, facets: { inventory, clone, residue, power } };
    }

    const define = async (disks: readonly string[] = ['vda'], devices = ''): Promise<VMId> =>
      toVMId(await defineGuest(daemon, { name: `guest-${(count += 1)}`, kind: 'writing', disks, devices }));

    /** As QEMU reads the images. */
    async function readRoots({ disks }: VMInfo): Promise<readonly string[]> {
      const raw = join(daemon.folder, 'read.raw');
      const roots: string[] = [];
      for (const { location, format = 'raw' } of disks) {
        execFileSync('qemu-img', ['convert', '-f', format, '-O', 'raw', location, raw]);
        roots.push(contentDigest(await readFile(raw)).root);
        await rm(raw);
      }
      return roots;
    }

    const arrange: ArrangeProvider = async () => {
      const source = await define(['vda', 'vdb']);
      return {
        open: openRun,
        absent: toVMId('00000000-0000-4000-8000-000000000000'),
        writeToDisk: async ({ disks: [disk] }) =>
          void execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -q -P ${(count += 1) % 255} 20M 4k`, disk?.location ?? '']),
        clone: { source, rootsOf: readRoots },
        [Symbol.asyncDispose]: async () => {
          for (const id of daemon.virsh('list', '--all', '--uuid').trim().split('\n').filter(Boolean))
            daemon.virsh('undefine', id, '--remove-all-storage');
        },
      };
    };

    registerChecks('cloning', cloneChecks(arrange));

    async function cloned(source: VMId, wish: Partial<CloneRequest> = {}): Promise<{ readonly vm: VMInfo; readonly warnings: readonly string[] }> {
      await using session = await openRun();
      return await session.facets.clone.run(source, { name: `copy & ${(count += 1)}`, disks: 'copied', ...wish }, calm);
    }

    const inactive = (name: string): string => daemon.virsh('dumpxml', '--inactive', '--security-info', name);

    /** The guest writes its marker round and round: whoever runs changes its image. */
    async function expectWrites(vms: readonly VMInfo[]): Promise<void> {
      const read = ({ disks }: VMInfo): string =>
        execFileSync('qemu-img', ['map', '-U', '--output=json', disks[0]?.location ?? ''], { encoding: 'utf8' });
      const before = vms.map(read);
      for (let tries = 0; tries < 300 && vms.some((vm, at) => read(vm) === before[at]); tries += 1) await delay(100);
      for (const [at, vm] of vms.entries()) expect(read(vm)).not.toBe(before[at]);
    }

    async function expectNothingLeft(before: readonly string[]): Promise<void> {
      expect(await journal.list(calm)).toEqual([]);
      expect((await readdir(images)).toSorted()).toEqual(before.toSorted());
      await using session = await openRun();
      expect(await Array.fromAsync(session.facets.residue.find(calm))).toEqual([]);
    }

    test('a clone boots beside the original, with its content as QEMU compares it', async () => {
      const source = await define(['vda', 'vdb']);
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 7 5M 9M', diskPath(daemon, daemon.virsh('domname', source).trim(), 'vdb')]);
      await using session = await openRun();
      const original = await session.facets.inventory.get(source, calm);
      const { vm } = await cloned(source);
      for (const [at, { location }] of vm.disks.entries()) {
        expect(location).not.toBe(original.disks[at]?.location);
        execFileSync('qemu-img', ['compare', '-q', original.disks[at]?.location ?? '', location]);
        execFileSync('qemu-img', ['check', '-q', location]);
      }
      expect(vm).toMatchObject({ cpus: original.cpus, memory: original.memory, machine: original.machine, powerState: 'stopped' });
      for (const id of [vm.id, original.id]) await session.facets.power.start(id, calm);
      await expectWrites([vm, original]);
      for (const id of [vm.id, original.id]) await session.facets.power.powerOff(id, calm);
    });

    test('linked clones boot beside each other and write only to themselves', async () => {
      const source = await define();
      await using session = await openRun();
      const original = await session.facets.inventory.get(source, calm);
      const roots = await readRoots(original);
      const clones = [(await cloned(source, { disks: 'linked' })).vm, (await cloned(source, { disks: 'linked' })).vm];
      for (const vm of clones) {
        const said = JSON.parse(execFileSync('qemu-img', ['info', '--output=json', vm.disks[0]?.location ?? ''], { encoding: 'utf8' }));
        expect(said).toMatchObject({ 'backing-filename': original.disks[0]?.location, 'backing-filename-format': 'qcow2' });
        await session.facets.power.start(vm.id, calm);
      }
      await expectWrites(clones);
      for (const vm of clones) await session.facets.power.powerOff(vm.id, calm);
      expect(await readRoots(original)).toEqual(roots);
    });

    test('a clone of a clone that is linked is whole, and what it lies on is no residue', async () => {
      const base = (await cloned(await define())).vm;
      const link = (await cloned(base.id, { disks: 'linked' })).vm;
      const { vm } = await cloned(link.id);
      expect(await readRoots(vm)).toEqual(await readRoots(base));
      expect(execFileSync('qemu-img', ['info', vm.disks[0]?.location ?? ''], { encoding: 'utf8' })).not.toContain('backing');
      daemon.virsh('undefine', base.id);
      await using session = await openRun();
      expect(await Array.fromAsync(session.facets.residue.find(calm))).toEqual([]);
      daemon.virsh('undefine', link.id, '--remove-all-storage');
      expect(await Array.fromAsync(session.facets.residue.find(calm))).toMatchObject([{ kind: 'volume' }]);
      daemon.virsh('vol-delete', base.disks[0]?.location ?? '');
    });

    test('a raw disk stays raw and sparse, and its pool may be another', async () => {
      const other = await makePool(daemon, 'other');
      const id = await define(['vda', 'vdb']);
      const name = daemon.virsh('domname', id).trim();
      const raw = join(images, `${name}.raw`);
      execFileSync('qemu-img', ['convert', '-O', 'raw', diskPath(daemon, name, 'vda'), raw]);
      await giveAway(raw);
      await redefine(name, (xml) => xml.replace("type='qcow2'", "type='raw'").replace(diskPath(daemon, name, 'vda'), raw));
      const { vm } = await cloned(id, { pool: 'other' });
      expect(vm.disks.map(({ format, location }) => [format, location.startsWith(other)])).toEqual([
        ['raw', true],
        ['qcow2', true],
      ]);
      execFileSync('qemu-img', ['compare', '-q', '-f', 'raw', '-F', 'raw', raw, vm.disks[0]?.location ?? '']);
      expect(vm.disks[0]?.allocatedSize).toBeLessThan(1024 ** 2);
      expect(existsSync(raw)).toBe(true);
    });

    async function redefine(name: string, change: (xml: string) => string): Promise<void> {
      const file = join(daemon.folder, 'changed.xml');
      await writeFile(file, change(inactive(name)));
      daemon.virsh('define', file);
    }

    test('what only one VM can have is made anew, and all else is kept', async () => {
      const id = await define(
        ['vda'],
        `<graphics type='vnc' port='5987' autoport='no' passwd='secret'><listen type='address' address='127.0.0.1'/></graphics>
         <serial type='tcp'><source mode='bind' host='127.0.0.1' service='4987'/><protocol type='raw'/></serial>
         <channel type='unix'><source mode='bind' path='${daemon.folder}/agent.sock'/><target type='virtio' name='org.qemu.guest_agent.0'/></channel>`,
      );
      const name = daemon.virsh('domname', id).trim();
      await redefine(name, (xml) =>
        xml
          .replace('</uuid>', '</uuid><genid/><title>A &amp; B</title>')
          .replace('<os>', `<sysinfo type='smbios'><system><entry name='serial'>42</entry><entry name='uuid'>${id}</entry></system></sysinfo><os>`)
          .replace('</type>', "</type><smbios mode='sysinfo'/>"),
      );
      const { vm } = await cloned(id);
      const [was, is] = [inactive(name), inactive(vm.name)];
      const pick = (xml: string, pattern: RegExp): string => pattern.exec(xml)?.[1] ?? 'none';
      for (const pattern of [/<uuid>(.*?)</, /<genid>(.*?)</, /<mac address='(.*?)'/]) {
        expect(pick(is, pattern)).toMatch(/[0-9a-f]/);
        expect(pick(is, pattern)).not.toBe(pick(was, pattern));
      }
      for (const pattern of [/<title>(.*?)</, /passwd='(.*?)'/, /<listen type='address' (.*?)\/>/, /<entry name='serial'>(.*?)</, /machine='(.*?)'/])
        expect(pick(is, pattern)).toBe(pick(was, pattern));
      expect(is).toContain(`<entry name='uuid'>${vm.id}</entry>`);
      expect(is).not.toMatch(/5987|4987|agent\.sock|urn:hypersdk/);
      for (const one of [name, vm.name]) daemon.virsh('start', one);
      for (const one of [name, vm.name]) daemon.virsh('destroy', one);
    });

    test.skipIf(!existsSync('/usr/share/OVMF/OVMF_VARS_4M.fd'))(
      'variables of UEFI are copied where they lie in a pool, and else begin anew',
      async () => {
        const id = await define();
        const name = daemon.virsh('domname', id).trim();
        const variables = join(images, `${name}_VARS.fd`);
        await writeFile(variables, (await readFile('/usr/share/OVMF/OVMF_VARS_4M.fd')).fill(7, 4096, 5000));
        await giveAway(variables);
        const loader = "<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader>";
        const nvram = (path: string): string => `${loader}<nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>${path}</nvram>`;
        await redefine(name, (xml) =>
          xml
            .replace(/machine='[^']*'/, "machine='q35'")
            .replace(/<controller.*?<\/controller>|<controller[^>]*\/>|<address [^>]*\/>/gs, '')
            .replace('</type>', `</type>${nvram(variables)}`),
        );
        const copied = await cloned(id);
        const copy = /<nvram[^>]*>(.*?)</.exec(inactive(copied.vm.name))?.[1] ?? '';
        expect(copy.startsWith(images)).toBe(true);
        expect(copy).not.toBe(variables);
        execFileSync('cmp', [variables, copy]);
        await expectResidueFree();
        await redefine(name, (xml) => xml.replace(variables, join(daemon.folder, 'elsewhere.fd')));
        const anew = await cloned(id);
        expect(anew.warnings.join(' ')).toMatch(/variables of its UEFI/);
        expect(inactive(anew.vm.name)).not.toContain('elsewhere.fd');
        daemon.virsh('start', anew.vm.name);
        daemon.virsh('destroy', anew.vm.name);
      },
    );

    async function expectResidueFree(): Promise<void> {
      await using session = await openRun();
      expect(await Array.fromAsync(session.facets.residue.find(calm))).toEqual([]);
    }

    test('a disk outside of all pools, and one that its guest dressed up as another format, are refused before anything is made', async () => {
      const id = await define();
      const name = daemon.virsh('domname', id).trim();
      const before = await readdir(images);
      const elsewhere = join(daemon.folder, `${name}.qcow2`);
      execFileSync('cp', [diskPath(daemon, name, 'vda'), elsewhere]);
      await giveAway(elsewhere);
      await redefine(name, (xml) => xml.replace(diskPath(daemon, name, 'vda'), elsewhere));
      await expect(cloned(id)).rejects.toMatchObject({ code: 'storage-pool/unfit', message: expect.stringContaining('virsh pool-create-as') });
      await redefine(name, (xml) => xml.replace(elsewhere, diskPath(daemon, name, 'vda')).replace("type='qcow2'", "type='raw'"));
      await expect(cloned(id)).rejects.toMatchObject({ code: 'libvirt/unsupported', message: expect.stringContaining('takes it for raw') });
      await redefine(name, (xml) => xml.replace("type='raw'", "type='qcow2'"));
      await expect(cloned(id, { pool: 'nowhere' })).rejects.toMatchObject({ code: 'storage-pool/not-found' });
      await expect(cloned(id, { name: 'a/b' })).rejects.toMatchObject({ code: 'usage/invalid' });
      await expectNothingLeft(before);
    });

    test('a source that is written while it is cloned is no source, and nothing is left of the clone', async () => {
      const id = await define(['vda', 'vdb']);
      const name = daemon.virsh('domname', id).trim();
      const before = await readdir(images);
      await using session = await openRun();
      const onProgress = (): void => void execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 1 30M 64k', diskPath(daemon, name, 'vda')]);
      const run = session.facets.clone.run(id, { name: 'never', disks: 'copied' }, { ...calm, onProgress });
      await expect(run).rejects.toMatchObject({ code: 'source/changed' });
      await expectNothingLeft(before);
    });

    test('a clone that is called off while libvirt copies leaves nothing, though libvirt does not stop', async () => {
      const id = await define(['vda', 'vdb']);
      const name = daemon.virsh('domname', id).trim();
      for (const disk of ['vda', 'vdb']) execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 3 1M 62M', diskPath(daemon, name, disk)]);
      const before = await readdir(images);
      await using session = await openRun();
      const intend = journal.intend.bind(journal);
      // Before anything is asked for, and a little later, when a copy has begun.
      for (const afterMs of [0, 5, 30]) {
        const stop = new AbortController();
        const reason = new Error('called off');
        journal.intend = async (effect, o) => {
          await intend(effect, o);
          if (afterMs === 0) stop.abort(reason);
          else setTimeout(() => stop.abort(reason), afterMs);
        };
        await expect(session.facets.clone.run(id, { name: 'never', disks: 'copied' }, { signal: stop.signal })).rejects.toBe(reason);
        journal.intend = intend;
        await expectNothingLeft(before);
      }
    });
  },
);
