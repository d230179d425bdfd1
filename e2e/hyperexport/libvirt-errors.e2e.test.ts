import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../../packages/providers/src/libvirt/build-guest.ts';
import { giveAway, type Libvirtd, openLibvirtd } from '../../packages/providers/src/libvirt/build-libvirtd.ts';
import { cannotMount } from '../durability/cannot-mount.ts';
import { Mount } from '../durability/mount.ts';
import { CACHE, LAUNCHER, run, start, type Ended } from './program.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const TIMEOUT_MS = 300_000;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io', 'pgrep'))(
  'what goes wrong at a libvirt daemon',
  { timeout: TIMEOUT_MS },
  () => {
    const opened = new AsyncDisposableStack();
    let daemon: Libvirtd;
    let workshop: Workshop;
    let scratch = '';

    beforeAll(async () => {
      daemon = opened.use(await openLibvirtd());
      workshop = opened.use(await openWorkshop());
      ({ scratch } = daemon);
    }, TIMEOUT_MS);
    afterAll(() => opened.disposeAsync());

    const surroundings = () => ({ state: workshop.state });
    async function lineFor(name: string, ...flags: readonly string[]): Promise<readonly string[]> {
      await mkdir(workshop.path(name), { recursive: true });
      return ['export', daemon.uri, name, '--to', workshop.path(name), '--scratch', scratch, ...flags];
    }
    const exportOf = async (name: string, ...flags: readonly string[]): Promise<Ended> => run(await lineFor(name, ...flags), surroundings());

    async function expectNothingLeft(): Promise<void> {
      const { code, stdout } = await run(['residue', daemon.uri, '--json'], surroundings());
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ removed: [], absent: [], unknown: [], failed: [] });
      expect(await readdir(scratch)).toEqual([]);
    }

    function manifestOf(name: string): Promise<Record<string, unknown>> {
      return readFile(join(workshop.path(name), name, 'export-manifest.json'), 'utf8').then((text) => JSON.parse(text) as Record<string, unknown>);
    }

    test.skipIf(cannotMount())('a scratch folder that a guest fills ends the export before its host is full, and the guest writes on', async () => {
      await defineGuest(daemon, { name: 'busy', kind: 'writing' });
      // What is there already is what has to be kept when it is overwritten.
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 7 4M 32M', diskPath(daemon, 'busy', 'vda')]);
      daemon.virsh('start', 'busy');
      {
        using _ = Mount.tmpfs(scratch, 68);
        await chmod(scratch, 0o777);
        const { code, stderr } = await exportOf('busy', '--limit-rate', '512K');
        expect(stderr).toMatch(/not enough room in the scratch folder .*: only .* were left, .*overwrote.*--scratch/);
        expect(code).toBe(75);
        expect(await readdir(scratch)).toEqual([]);
      }
      expect(daemon.virsh('domstate', 'busy').trim()).toBe('running');
      await expectNothingLeft();
      {
        using _ = Mount.tmpfs(scratch, 68);
        await chmod(scratch, 0o777);
        await writeFile(join(scratch, 'theirs'), new Uint8Array(5 * 1024 ** 2));
        const { code, stderr } = await exportOf('busy');
        expect(stderr).toMatch(/only .* are free, of which .* left to the host, and guests may overwrite up to 64 MiB/);
        expect(code).toBe(75);
      }
      expect(daemon.virsh('domjobinfo', 'busy')).toMatch(/None/);
      await expectNothingLeft();
      daemon.virsh('destroy', 'busy');
    });

    test.skipIf(process.getuid?.() !== 0 || missing('setpriv'))('a socket that this user may not use', async () => {
      await defineGuest(daemon, { name: 'locked', kind: 'deaf' });
      const state = workshop.path('state-of-nobody');
      await mkdir(state);
      await chown(state, 65_534, 65_534);
      await chmod(workshop.path('.'), 0o755);
      await chmod(daemon.socket, 0o700);
      const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, LAUNCHER, ...(await lineFor('locked'))];
      const env = { PATH: process.env['PATH'], HOME: state, XDG_CACHE_HOME: CACHE, HYPERSDK_STATE: state };
      const said = spawnAndHear('setpriv', asNobody, env);
      expect(said).toMatch(/may not be used by this user.*group libvirt/);
    });

    function spawnAndHear(program: string, args: readonly string[], env: NodeJS.ProcessEnv): string {
      try {
        execFileSync(program, args, { env, stdio: 'pipe' });
      } catch (error) {
        return error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
      }
      throw new Error('It was let in.');
    }

    test('a VM that dies while it is read is told of as such', async () => {
      await defineGuest(daemon, { name: 'mortal', kind: 'writing' });
      daemon.virsh('start', 'mortal');
      await delay(1500);
      const begun = start(await lineFor('mortal', '--limit-rate', '32K'), surroundings());
      const isRead = async (): Promise<boolean> =>
        (await readdir(join(workshop.path('mortal'), 'mortal')).catch(() => [])).some((file) => file.includes('.partial.'));
      while (!(await isRead())) await delay(50);
      daemon.virsh('destroy', 'mortal');
      const { code, stderr } = await begun.ended;
      expect(stderr).toMatch(/backup of the VM mortal ended before all of it was read: the VM was stopped/);
      expect(code).toBe(75);
      await expectNothingLeft();
    });

    test('a guest without an agent is said to be as a power cut would leave it', async () => {
      await defineGuest(daemon, { name: 'plain', kind: 'deaf' });
      daemon.virsh('start', 'plain');
      const { code, stdout, stderr } = await exportOf('plain', '--plain');
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(/as a power cut would leave it: no guest agent is in it/);
      expect(await manifestOf('plain')).toMatchObject({ consistency: 'crash' });
    });

    test('a VM that is not defined, only started, is exported as any other', async () => {
      await defineGuest(daemon, { name: 'fleeting', kind: 'deaf' });
      const xml = join(daemon.folder, 'fleeting-created.xml');
      await writeFile(xml, daemon.virsh('dumpxml', 'fleeting'));
      daemon.virsh('undefine', 'fleeting');
      daemon.virsh('create', xml);
      const { code, stderr } = await exportOf('fleeting', '--incremental');
      expect(code, stderr).toBe(0);
      daemon.virsh('destroy', 'fleeting');
    });

    test('a VM that was saved with its memory', async () => {
      await defineGuest(daemon, { name: 'asleep', kind: 'deaf' });
      daemon.virsh('start', 'asleep');
      daemon.virsh('managedsave', 'asleep');
      const { code, stderr } = await exportOf('asleep');
      expect(stderr).toMatch(/saved with its memory.*managedsave-remove/);
      expect(code).toBe(75);
      await expectNothingLeft();
    });

    test('disks that cannot record changes are exported in full, and why is told', async () => {
      await defineGuest(daemon, { name: 'raw', kind: 'deaf' });
      const disk = diskPath(daemon, 'raw', 'vda');
      execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', disk, `${disk}.raw`]);
      await giveAway(`${disk}.raw`);
      const xml = join(daemon.folder, 'raw.xml');
      await writeFile(
        xml,
        (await readFile(xml, 'utf8')).replace("type='qcow2'/><source file='", "type='raw'/><source file='").replace(disk, `${disk}.raw`),
      );
      daemon.virsh('undefine', 'raw');
      daemon.virsh('define', xml);
      daemon.virsh('start', 'raw');
      for (const link of ['raw', 'raw.0001']) {
        const { code, stdout, stderr } = await exportOf('raw', '--incremental', '--json');
        expect(code, stderr).toBe(0);
        expect(await readdir(workshop.path('raw'))).toContain(link);
        if (link !== 'raw') expect(stdout).toMatch(/changes are recorded in qcow2 images only/);
      }
      expect(daemon.virsh('checkpoint-list', 'raw', '--name').trim()).toBe('');
      await expectNothingLeft();
    });

    test('a disk that is passed through, or whose content is nowhere, is left out, and that is told', async () => {
      const devices = `<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd' name='x'><host name='127.0.0.1' port='1'/></source><target dev='vdz' bus='virtio'/></disk>`;
      await defineGuest(daemon, { name: 'far-disk', kind: 'deaf', devices });
      const { code, stdout, stderr } = await exportOf('far-disk', '--dry-run');
      expect(`${stdout}${stderr}`).toMatch(/vdz/);
      expect([0, 75]).toContain(code);
    });
  },
);
