import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../../packages/providers/src/libvirt/build-guest.ts';
import { type Libvirtd, openLibvirtd } from '../../packages/providers/src/libvirt/build-libvirtd.ts';
import { makePool } from '../../packages/providers/src/libvirt/restore/build-pool.ts';
import { run, start, type Ended } from './program.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const TIMEOUT_MS = 300_000;

/** What `restore --json` prints. */
interface Restored {
  readonly vm: { readonly id: string; readonly powerState: string; readonly nics: readonly { readonly mac?: string }[] };
  readonly disks: readonly { readonly location: string; readonly root: string }[];
}

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io', 'age-keygen'))(
  'restores to a libvirt daemon',
  { timeout: TIMEOUT_MS },
  () => {
    let home: Libvirtd;
    let away: Libvirtd;
    let workshop: Workshop;
    let pool = '';

    beforeAll(async () => {
      [home, away] = await Promise.all([openLibvirtd(), openLibvirtd()]);
      workshop = await openWorkshop();
      pool = await makePool(away, 'default');
      await defineGuest(home, { name: 'web-01', kind: 'writing', disks: ['vda', 'vdb'] });
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 9 1M 30M', diskPath(home, 'web-01', 'vdb')]);
    }, TIMEOUT_MS);
    afterAll(async () => {
      await home?.[Symbol.asyncDispose]();
      await away?.[Symbol.asyncDispose]();
      await workshop?.[Symbol.asyncDispose]();
    });

    const hyperexport = (...args: readonly string[]): Promise<Ended> => run(args, { state: workshop.state });

    async function ok<Document = Record<string, unknown>>(...args: readonly string[]): Promise<Document> {
      const { code, stdout, stderr } = await hyperexport(...args, '--json');
      expect(code, `${stdout}${stderr}`).toBe(0);
      return JSON.parse(stdout) as Document;
    }

    /** Exports the guest; answers the folder of the export. */
    async function exported(target: string, ...flags: readonly string[]): Promise<string> {
      await mkdir(workshop.path(target), { recursive: true });
      const line = ['export', home.uri, 'web-01', '--to', workshop.path(target), '--scratch', home.scratch, ...flags];
      const { exports } = await ok<{ readonly exports: readonly { readonly folder: string }[] }>(...line);
      return exports[0]?.folder ?? '';
    }

    const restore = (from: string, ...flags: readonly string[]): Promise<Ended> => hyperexport('restore', from, away.uri, ...flags);

    async function residueIs(expected: object, ...flags: readonly string[]): Promise<void> {
      expect(await ok('residue', away.uri, ...flags)).toMatchObject({ failed: [], unknown: [], ...expected });
    }

    async function expectBoots(name: string, image: string): Promise<void> {
      const copy = `${image}.before`;
      execFileSync('qemu-img', ['convert', '-U', '-f', 'qcow2', '-O', 'raw', image, copy]);
      // The first sector alone writes, so that whatever changes was written by the guest that started from it.
      const isSame = (): boolean => spawnSync('qemu-img', ['compare', '-q', '-U', '-f', 'raw', '-F', 'qcow2', copy, image]).status === 0;
      for (let tries = 0; tries < 200 && isSame(); tries += 1) await delay(100);
      expect(isSame()).toBe(false);
      await rm(copy);
      away.virsh('destroy', name);
    }

    test('an export of a guest that ran stands at another daemon, as it was exported, and boots', async () => {
      home.virsh('start', 'web-01');
      await delay(1500);
      const from = await exported('full', '--incremental');
      const { stdout, code, stderr } = await restore(from, '--name', 'copy of web-01', '--dry-run');
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(/Would restore copy of web-01/);
      expect(await readdir(pool)).toEqual([]);
      const { vm, disks } = await ok<Restored>('restore', from, away.uri, '--name', 'copy of web-01');
      const manifest = JSON.parse(await readFile(join(from, 'export-manifest.json'), 'utf8'));
      expect(vm.id).not.toBe(manifest.vm.id);
      for (const [index, { location, root }] of disks.entries()) {
        expect(root).toBe(manifest.disks[index].content.root);
        execFileSync('qemu-img', ['compare', '-q', join(from, manifest.disks[index].file), location]);
      }
      await residueIs({ removed: [], absent: [], inUse: [] });
      away.virsh('start', 'copy of web-01');
      await expectBoots('copy of web-01', disks[0]?.location ?? '');
      const history = await hyperexport('history');
      expect(history.stdout).toMatch(/restore/);
    });

    test('the head of a chain comes back as that VM, started, and only once', async () => {
      await delay(1000);
      const from = await exported('full', '--incremental', '--no-full');
      const { vm, disks } = await ok<Restored>('restore', from, away.uri, '--keep-identity', '--start');
      const manifest = JSON.parse(await readFile(join(from, 'export-manifest.json'), 'utf8'));
      expect(manifest.mode).toBe('incremental');
      expect(vm).toMatchObject({ id: manifest.vm.id, powerState: 'running' });
      expect(vm.nics[0]?.mac).toBe(manifest.vm.nics[0].mac);
      execFileSync('qemu-img', ['compare', '-q', '-U', join(from, manifest.disks[1].file), disks[1]?.location ?? '']);
      await expectBoots('web-01', disks[0]?.location ?? '');
      const again = await restore(from, '--keep-identity');
      expect(again.code).toBe(73);
      expect(again.stderr).toMatch(/There is a VM web-01 there already\..*--name/);
      home.virsh('destroy', 'web-01');
    });

    test('an encrypted export is restored by whoever can open it', async () => {
      const identity = workshop.path('identity.txt');
      const said = execFileSync('age-keygen', ['-o', identity], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      const recipient = /age1\w+/.exec(said + (await readFile(identity, 'utf8')))?.[0] ?? '';
      const from = await exported('locked', '--encrypt-to', recipient);
      const locked = await restore(from, '--name', 'opened');
      expect(locked.code).toBe(77);
      const { disks } = await ok<Restored>('restore', from, away.uri, '--name', 'opened', '--identity', identity);
      execFileSync('qemu-img', ['compare', '-q', diskPath(home, 'web-01', 'vdb'), disks[1]?.location ?? '']);
    });

    test('damage is found before there is a VM', async () => {
      const from = await exported('damaged');
      const image = join(from, 'disk-1.qcow2');
      const size = (await readFile(image)).length;
      const bytes = await readFile(image);
      bytes[size - 1_000_000] = (bytes[size - 1_000_000] ?? 0) ^ 1;
      await writeFile(image, bytes);
      const before = await readdir(pool);
      const { code, stderr } = await restore(from, '--name', 'damaged');
      expect(code).toBe(1);
      expect(stderr).toMatch(/not what was exported/);
      expect(await readdir(pool)).toEqual(before);
      expect(away.virsh('list', '--all', '--name')).not.toContain('damaged');
      await residueIs({ removed: [], absent: [] });
    });

    test('what a killed restore left is shown, and taken away when asked for', async () => {
      const from = await exported('killed');
      const before = await readdir(pool);
      const begun = start(['restore', from, away.uri, '--name', 'killed', '--plain'], { state: workshop.state });
      for (let tries = 0; tries < 1000 && (await readdir(pool)).length === before.length; tries += 1) await delay(10);
      begun.child.kill('SIGKILL');
      await begun.ended;
      const left = (await readdir(pool)).length;
      expect(left).toBeGreaterThan(before.length);
      await residueIs({ removed: [{ kind: 'volume' }] });
      await residueIs({ removed: [{ kind: 'volume' }] }, '--remove');
      expect(await readdir(pool)).toEqual(before);
      await residueIs({ removed: [], absent: [] });
      await ok('restore', from, away.uri, '--name', 'killed');
    });

    test('a restore that is stopped leaves nothing', async () => {
      const from = await exported('stopped');
      const before = await readdir(pool);
      const begun = start(['restore', from, away.uri, '--name', 'stopped'], { state: workshop.state });
      for (let tries = 0; tries < 1000 && (await readdir(pool)).length === before.length; tries += 1) await delay(10);
      begun.child.kill('SIGINT');
      const { code, stderr } = await begun.ended;
      expect(code, stderr).toBe(130);
      expect(stderr).not.toMatch(/goes on where it stopped/);
      expect(await readdir(pool)).toEqual(before);
      await residueIs({ removed: [], absent: [] });
    });

    test.each([
      ['--pool', /no storage pool nowhere.*virsh pool-list/],
      ['--network', /no network nowhere.*--network none/],
    ] as const)('%s of something that there is not is told', async (flag, message) => {
      const { code, stderr } = await restore(workshop.path('full/web-01'), '--name', 'never', flag, 'nowhere');
      expect(stderr).toMatch(message);
      expect(code).toBe(66);
    });
  },
);
