import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../../packages/providers/src/libvirt/build-guest.ts';
import { type Libvirtd, openLibvirtd } from '../../packages/providers/src/libvirt/build-libvirtd.ts';
import { run, start, type Ended } from './program.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const TIMEOUT_MS = 300_000;
/** What QEMU's bitmaps count in by default. */
const GRAIN = 65_536;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io', 'nbdinfo'))(
  'exports from a libvirt daemon',
  { timeout: TIMEOUT_MS },
  () => {
    let daemon: Libvirtd;
    let workshop: Workshop;
    let scratch = '';

    beforeAll(async () => {
      daemon = await openLibvirtd();
      workshop = await openWorkshop();
      ({ scratch } = daemon);
    }, TIMEOUT_MS);
    afterAll(async () => {
      await daemon?.[Symbol.asyncDispose]();
      await workshop?.[Symbol.asyncDispose]();
    });

    const surroundings = () => ({ state: workshop.state });
    const lineFor = (vm: string, target: string, ...more: readonly string[]): readonly string[] => [
      'export',
      daemon.uri,
      vm,
      '--to',
      workshop.path(target),
      '--scratch',
      scratch,
      '--json',
      ...more,
    ];

    async function guest(name: string, kind: 'writing' | 'deaf', isRunning = true): Promise<void> {
      await defineGuest(daemon, { name, kind });
      if (isRunning) daemon.virsh('start', name);
    }

    async function ok(ended: Promise<Ended>): Promise<Record<string, never>> {
      const { code, stdout, stderr } = await ended;
      expect(code, stderr).toBe(0);
      return JSON.parse(stdout) as Record<string, never>;
    }

    async function manifestOf(
      target: string,
      link: string,
    ): Promise<{ readonly mode: string; readonly disks: readonly { readonly changesBy?: string; readonly content: { readonly root: string } }[] }> {
      return JSON.parse(await readFile(join(workshop.path(target), link, 'export-manifest.json'), 'utf8')) as never;
    }

    const residue = async (...flags: readonly string[]): Promise<Record<string, readonly { readonly kind: string }[]>> =>
      ok(run(['residue', daemon.uri, '--json', ...flags], surroundings()));

    test('ten increments of a guest that writes: each chain is what a full export at that moment is', async () => {
      await guest('web-01', 'writing');
      await mkdir(workshop.path('chain'));
      await ok(run(lineFor('web-01', 'chain', '--incremental'), surroundings()));
      for (let link = 1; link <= 10; link += 1) {
        if (link > 1) daemon.virsh('resume', 'web-01');
        await delay(700);
        daemon.virsh('suspend', 'web-01');
        const name = `web-01.${String(link).padStart(4, '0')}`;
        await ok(run(lineFor('web-01', 'chain', '--incremental', '--no-full'), surroundings()));
        const { mode, disks } = await manifestOf('chain', name);
        expect(mode).toBe('incremental');
        expect(disks[0]?.changesBy).toBe('source');
        // QEMU follows the chain as it lies there; the guest is suspended, so its image can be looked at.
        const head = join(workshop.path('chain'), name, 'disk-0.qcow2');
        execFileSync('qemu-img', ['compare', '-q', '-U', diskPath(daemon, 'web-01', 'vda'), head]);
        const own = JSON.parse(execFileSync('qemu-img', ['map', '--output=json', head], { encoding: 'utf8' })) as readonly {
          readonly depth: number;
          readonly data: boolean;
          readonly length: number;
        }[];
        const stored = own.filter(({ depth }) => depth === 0).reduce((sum, { length }) => sum + length, 0);
        // Some thirteen writes of 4 KiB, each in a grain of its own.
        expect(stored).toBeGreaterThan(2 * GRAIN);
        expect(stored).toBeLessThan(60 * GRAIN);
      }
      await mkdir(workshop.path('full'));
      await ok(run(lineFor('web-01', 'full'), surroundings()));
      const full = await manifestOf('full', 'web-01');
      const last = await manifestOf('chain', 'web-01.0010');
      expect(last.disks[0]?.content.root).toBe(full.disks[0]?.content.root);
      const verified = await run(['verify', join(workshop.path('chain'), 'web-01.0010')], surroundings());
      expect(verified.code, verified.stderr).toBe(0);
      // One checkpoint is kept, for the next increment; nothing else is left.
      expect(daemon.virsh('checkpoint-list', 'web-01', '--name').trim().split('\n')).toHaveLength(1);
      expect(await residue()).toMatchObject({ removed: [], absent: [], unknown: [], failed: [] });
      expect(await readdir(scratch)).toEqual([]);
      daemon.virsh('destroy', 'web-01');
    });

    test('a chain is flattened without its source', async () => {
      const { code, stderr } = await run(['chain', 'flatten', join(workshop.path('chain'), 'web-01.0010'), '--quiet'], surroundings());
      expect(code, stderr).toBe(0);
      const flat = await manifestOf('chain', 'web-01.0011');
      expect(flat.mode).toBe('full');
      expect(flat.disks[0]?.content.root).toBe((await manifestOf('chain', 'web-01.0010')).disks[0]?.content.root);
    });

    test('an export that is killed goes on at its own moment, and what it made is taken away with it', async () => {
      await guest('web-02', 'writing');
      await delay(1500);
      await mkdir(workshop.path('killed'));
      const begun = start(lineFor('web-02', 'killed', '--limit-rate', '256K'), surroundings());
      const made = async (): Promise<boolean> =>
        (await readdir(join(workshop.path('killed'), 'web-02')).catch(() => [])).some((name) => name.includes('.partial.'));
      for (let tries = 0; tries < 600 && !(await made()); tries += 1) await delay(50);
      begun.child.kill('SIGKILL');
      await begun.ended;
      const left = await residue();
      expect(left['removed']?.map(({ kind }) => kind)).toEqual(['backup-job']);
      const went = await ok(run(lineFor('web-02', 'killed'), surroundings()));
      expect(JSON.stringify(went)).not.toContain('began anew');
      expect(await residue()).toMatchObject({ removed: [], absent: [], unknown: [] });
      expect(await readdir(scratch)).toEqual([]);
      const verified = await run(['verify', join(workshop.path('killed'), 'web-02')], surroundings());
      expect(verified.code, verified.stderr).toBe(0);
    });

    test('what an export left that never goes on is shown, and taken away when asked for', async () => {
      await guest('db', 'deaf', false);
      // As much as takes longer than anybody here needs to kill it.
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 7 8M 16M', diskPath(daemon, 'db', 'vda')]);
      await mkdir(workshop.path('abandoned'));
      const begun = start(lineFor('db', 'abandoned', '--incremental', '--limit-rate', '1K'), surroundings());
      const isRead = (): boolean => {
        try {
          return daemon.virsh('backup-dumpxml', 'db') !== '';
        } catch {
          return false;
        }
      };
      for (let tries = 0; tries < 600 && !isRead(); tries += 1) await delay(50);
      begun.child.kill('SIGKILL');
      await begun.ended;
      const shown = await residue();
      expect(shown['removed']?.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['vm']));
      expect(shown['removed']).toEqual(expect.arrayContaining([expect.objectContaining({ kind: 'vm', vmName: 'db' })]));
      expect((await run(['residue', daemon.uri], surroundings())).stdout).toMatch(/^left over +vm +db +/m);
      expect(await residue('--remove')).toMatchObject({ failed: [], unknown: [] });
      expect(await residue()).toMatchObject({ removed: [], absent: [] });
      expect(daemon.virsh('domstate', 'db').trim()).toBe('shut off');
      expect(daemon.virsh('checkpoint-list', 'db', '--name').trim()).toBe('');
      expect(await readdir(scratch)).toEqual([]);
    });

    test.each([
      { what: 'a VM that there is not', args: ['export', 'URI', 'no-such', '--to', 'x'], message: /no-such/, exit: 66 },
      {
        what: 'a daemon that does not run',
        args: ['export', 'qemu:///session?socket=/nowhere/sock', 'web-02', '--to', 'x'],
        message: /No libvirt daemon answers/,
        exit: 69,
      },
      { what: 'a wrong address', args: ['export', 'qemu:///nonsense', 'web-02', '--to', 'x'], message: /\/system or \/session/, exit: 64 },
      {
        what: 'a scratch folder that there is not',
        args: ['export', 'URI', 'web-02', '--to', 'x', '--scratch', '/nowhere'],
        message: /nowhere/,
        exit: 69,
      },
      {
        what: 'a relative scratch folder',
        args: ['export', 'URI', 'web-02', '--to', 'x', '--scratch', 'here'],
        message: /begins with a slash/,
        exit: 64,
      },
    ] as const)('$what is told clearly', async ({ args, message, exit }) => {
      await mkdir(workshop.path('x'), { recursive: true });
      const { code, stderr } = await run(
        args.map((arg) => (arg === 'URI' ? daemon.uri : arg === 'x' ? workshop.path('x') : arg)),
        surroundings(),
      );
      expect(stderr).toMatch(message);
      expect(code).toBe(exit);
      expect(await residue()).toMatchObject({ removed: [], unknown: [], failed: [] });
    });

    test('a VM that another program backs up is left to it', async () => {
      const xml = join(daemon.folder, 'backup.xml');
      execFileSync('sh', [
        '-c',
        `echo "<domainbackup mode='pull'><server transport='unix' socket='${scratch}/other.sock'/></domainbackup>" > ${xml}`,
      ]);
      daemon.virsh('backup-begin', 'web-02', xml);
      await mkdir(workshop.path('busy'));
      const { code, stdout } = await run(lineFor('web-02', 'busy'), surroundings());
      expect(stdout).toMatch(/Another backup of the VM web-02 goes on/);
      expect(code).toBe(75);
      daemon.virsh('domjobabort', 'web-02');
    });
  },
);
