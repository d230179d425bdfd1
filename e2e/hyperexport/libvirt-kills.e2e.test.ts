import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../../packages/providers/src/libvirt/build-guest.ts';
import { type Libvirtd, openLibvirtd } from '../../packages/providers/src/libvirt/build-libvirtd.ts';
import { LibvirtTap, type Moment } from './libvirt-tap.ts';
import { run, start, type Ended } from './program.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const TIMEOUT_MS = 900_000;

/** libvirt, src/remote/remote_protocol.x. */
const CREATE = 196;
const SET_METADATA = 264;
const BACKUP_BEGIN = 421;
const BACKUP_GET_XML = 422;
const ABORT_JOB = 164;
const CHECKPOINT_DELETE = 417;
const DESTROY = 234;

type Victim = 'export' | 'qemu' | 'libvirtd';

/** A call to libvirt, or the moment in which a file is there whose name ends so: in the export, or among the records of what was made. */
type Edge = Moment | { readonly file: string; readonly of: 'export' | 'records' };

const before = (procedure: number, count = 1): Moment => ({ procedure, count, when: 'before' });
const after = (procedure: number, count = 1): Moment => ({ procedure, count, when: 'after' });

const intent = { file: '.json', of: 'records' } as const;
const firstRead = { file: '.partial.1', of: 'export' } as const;
const published = { file: 'disk-0.qcow2', of: 'export' } as const;
const receipt = { file: '.receipt.json', of: 'export' } as const;
const manifest = { file: 'export-manifest.json', of: 'export' } as const;

/** BACKUP_GET_XML is asked twice before a backup begins, once after, twice by checks, and until it has ended. */
const begun = after(BACKUP_GET_XML, 3);
const diskChecked = before(BACKUP_GET_XML, 4);
const allChecked = before(BACKUP_GET_XML, 5);
const jobEnded = after(BACKUP_GET_XML, 7);

/** The steps of an increment of a VM that is there all the time. */
const running: readonly (readonly [step: string, edge: Edge, victims: readonly Victim[]])[] = [
  ['it is written down what will be made', intent, ['export']],
  ['before the backup begins', before(BACKUP_BEGIN), ['export', 'qemu', 'libvirtd']],
  ['after the backup began', after(BACKUP_BEGIN), ['export', 'qemu', 'libvirtd']],
  ['before it is read', begun, ['export', 'libvirtd']],
  ['at the first read', firstRead, ['export', 'qemu', 'libvirtd']],
  ['as a disk is published', published, ['export']],
  ['as a disk is checked', diskChecked, ['export', 'qemu', 'libvirtd']],
  ['as a disk has its receipt', receipt, ['export', 'qemu', 'libvirtd']],
  ['as all is checked', allChecked, ['export', 'libvirtd']],
  ['as the manifest is there', manifest, ['export', 'qemu', 'libvirtd']],
  ['before the job ends', before(ABORT_JOB), ['export', 'qemu', 'libvirtd']],
  ['after the job was told to end', after(ABORT_JOB), ['export', 'libvirtd']],
  ['after the job ended', jobEnded, ['export', 'qemu']],
  ['before the old checkpoint goes', before(CHECKPOINT_DELETE), ['export', 'qemu', 'libvirtd']],
  ['after the old checkpoint went', after(CHECKPOINT_DELETE), ['export', 'qemu', 'libvirtd']],
];

/** The steps that an export of a VM has besides, which is off. */
const stopped: typeof running = [
  ['before it is started paused', before(CREATE), ['export', 'libvirtd']],
  ['after it was started paused', after(CREATE), ['export', 'qemu', 'libvirtd']],
  ['after it says who started it', after(SET_METADATA), ['export', 'qemu', 'libvirtd']],
  ['after the backup began', after(BACKUP_BEGIN), ['export', 'qemu', 'libvirtd']],
  ['before it is stopped', before(DESTROY), ['export', 'qemu', 'libvirtd']],
  ['after it was stopped', after(DESTROY), ['export', 'libvirtd']],
];

/** Every victim at every step takes six minutes: unless that is asked for, the victims take turns. */
const wantsAll = process.env['HYPERSDK_KILLS'] === 'all';

const casesOf = (steps: typeof running) =>
  steps.flatMap(([step, edge, victims], index) =>
    victims.filter((_, at) => wantsAll || at === index % victims.length).map((victim) => ({ step, edge, victim })),
  );

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io', 'pgrep'))(
  'kill -9 at each step of an export from libvirt',
  { timeout: TIMEOUT_MS },
  () => {
    const opened = new AsyncDisposableStack();
    let daemon: Libvirtd;
    let workshop: Workshop;
    let tap: LibvirtTap;
    let [scratch, uri, turn] = ['', '', 0];

    beforeAll(async () => {
      daemon = opened.use(await openLibvirtd());
      workshop = opened.use(await openWorkshop());
      ({ scratch } = daemon);
      tap = opened.use(new LibvirtTap({ path: join(daemon.folder, 'tap'), behind: daemon.socket }));
      uri = `qemu:///session?socket=${tap.path}`;
      await guest('steady', 'writing');
      daemon.virsh('start', 'steady');
      await guest('resting', 'deaf');
      for (const name of ['steady', 'resting']) await mkdir(workshop.path(name));
    }, TIMEOUT_MS);
    afterAll(() => opened.disposeAsync());

    /** With half a second of data at the rate of the exports here, so that they can be met on their way. */
    async function guest(name: string, kind: 'writing' | 'deaf'): Promise<void> {
      await defineGuest(daemon, { name, kind });
      const noise = join(daemon.folder, 'noise');
      await writeFile(noise, randomBytes(2 * 1024 * 1024));
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -q -s ${noise} 40M 2M`, diskPath(daemon, name, 'vda')]);
    }

    const surroundings = () => ({ state: workshop.state });
    const records = (): string => join(workshop.state, 'effects');
    const filesIn = async (folder: string): Promise<readonly string[]> => await readdir(folder, { recursive: true }).catch(() => []);
    const line = (name: string): readonly string[] => {
      const order = ['export', uri, name, '--to', workshop.path(name), '--scratch', scratch];
      return [...order, '--incremental', '--limit-rate', '8M', '--json'];
    };

    async function residue(...flags: readonly string[]): Promise<Record<string, readonly { readonly kind: string }[]>> {
      const { code, stdout, stderr } = await run(['residue', uri, '--json', ...flags], surroundings());
      expect(code, stdout + stderr).toBe(0);
      return JSON.parse(stdout) as Record<string, readonly { readonly kind: string }[]>;
    }

    async function ok(ended: Promise<Ended>): Promise<void> {
      const { code, stdout, stderr } = await ended;
      expect(code, stdout + stderr).toBe(0);
    }

    function killGuest(name: string): void {
      const found = execFileSync('sh', ['-c', `pgrep -f 'guest=${name},' || true`], { encoding: 'utf8' });
      for (const pid of found.trim().split('\n').filter(Boolean)) {
        if (Number(pid) === process.pid) continue;
        try {
          process.kill(Number(pid), 'SIGKILL');
        } catch {
          // The shell that looked for it.
        }
      }
    }

    /** Runs the export and kills at the edge. False: it ended before. */
    async function killAt(name: string, edge: Edge, victim: Victim): Promise<boolean> {
      const known = new Set([...(await filesIn(workshop.path(name))), ...(await filesIn(records()))]);
      const begunExport = start(line(name), surroundings());
      let restarted = Promise.resolve();
      let isKilled = false;
      const kill = async (): Promise<void> => {
        isKilled = true;
        if (victim === 'export') begunExport.child.kill('SIGKILL');
        if (victim === 'qemu') killGuest(name);
        if (victim !== 'libvirtd') return;
        await daemon.kill();
        restarted = delay(300).then(() => daemon.start());
      };
      const done = new AbortController();
      const watched = 'file' in edge ? watch(edge, { name, known, kill, signal: done.signal }) : tap.arm(edge, kill);
      const { code, stdout } = await begunExport.ended;
      done.abort();
      await watched;
      await restarted;
      tap.disarm();
      // Whoever lives is not to call a live export dead, nor to say that it does not know why.
      if (victim !== 'export') expect(stdout).not.toContain('internal/unexpected');
      if (victim === 'libvirtd' && 'file' in edge) expect(code, stdout).toBe(0);
      return isKilled;
    }

    async function watch(
      edge: Extract<Edge, { file: string }>,
      o: { readonly name: string; readonly known: ReadonlySet<string>; readonly kill: () => Promise<void>; readonly signal: AbortSignal },
    ): Promise<void> {
      const folder = edge.of === 'records' ? records() : workshop.path(o.name);
      while (!o.signal.aborted) {
        const isThere = (await filesIn(folder)).some((file) => file.endsWith(edge.file) && !o.known.has(file));
        if (isThere) return await o.kill();
        await delay(2);
      }
    }

    /** What has to hold after whatever happened: nothing is left but a checkpoint that is known, and the newest export is the disk. */
    async function expectMended(name: string, state: string): Promise<void> {
      expect(await residue('--remove')).toMatchObject({ failed: [], unknown: [], inUse: [] });
      expect(daemon.virsh('domstate', name).trim()).toBe(state);
      expect(await readdir(scratch)).toEqual([]);
      if (state !== 'shut off') expect(() => daemon.virsh('backup-dumpxml', name)).toThrow();
      const checkpoints = daemon.virsh('checkpoint-list', name, '--name').trim().split('\n').filter(Boolean);
      expect(checkpoints.length).toBeLessThanOrEqual(1);
      const uuid = daemon.virsh('domuuid', name).trim();
      const left = (await recorded()).filter(({ effect }) => effect.vm === uuid);
      expect(left.map(({ isKept, effect }) => [isKept, effect.name])).toEqual(checkpoints.map((checkpoint) => [true, checkpoint]));
      execFileSync('qemu-img', ['compare', '-q', '-U', diskPath(daemon, name, 'vda'), await newestOf(name)]);
    }

    type Recorded = { readonly isKept: boolean; readonly effect: { readonly vm: string; readonly name: string } };
    /** A record that was being put when its writer was killed is none. */
    const recorded = async (): Promise<readonly Recorded[]> =>
      Promise.all(
        (await filesIn(records()))
          .filter((file) => file.endsWith('.json'))
          .map(async (file) => JSON.parse(await readFile(join(records(), file), 'utf8')) as Recorded),
      );

    async function newestOf(name: string): Promise<string> {
      const links = (await readdir(workshop.path(name))).toSorted();
      return join(workshop.path(name), links.at(-1) ?? '', 'disk-0.qcow2');
    }

    /** A fourth of them, and the newest: each was the disk when it was made. */
    async function verifySome(name: string): Promise<void> {
      const links = (await readdir(workshop.path(name))).toSorted();
      expect(links.length).toBeGreaterThan(1);
      for (const link of links.filter((_, index) => (links.length - 1 - index) % 4 === 0))
        await ok(run(['verify', join(workshop.path(name), link), '--json'], surroundings()));
    }

    /** Either the same command goes on first, or what was left is taken away first. */
    async function recover(name: string): Promise<void> {
      turn += 1;
      if (turn % 2 === 0) expect(await residue('--remove')).toMatchObject({ failed: [], unknown: [] });
      await ok(run(line(name), surroundings()));
    }

    describe('of a VM that is there', () => {
      /** It writes between exports and holds still during them, so that its image can be looked at. */
      async function letWrite(): Promise<void> {
        if (daemon.virsh('domstate', 'steady').trim() === 'shut off') daemon.virsh('start', 'steady');
        else daemon.virsh('resume', 'steady');
        await delay(400);
        daemon.virsh('suspend', 'steady');
      }

      test('an export before any kill', async () => {
        daemon.virsh('suspend', 'steady');
        await ok(run(line('steady'), surroundings()));
        await expectMended('steady', 'paused');
      });

      test.each(casesOf(running))('$step: $victim', async ({ edge, victim }) => {
        await letWrite();
        expect(await killAt('steady', edge, victim)).toBe(true);
        await recover('steady');
        await expectMended('steady', victim === 'qemu' ? 'shut off' : 'paused');
      });

      test('exports that there are can be proven', () => verifySome('steady'));
    });

    test('a full export that is killed behind its manifest is seen to be whole, and nothing of it stays', async () => {
      await guest('whole', 'deaf');
      const to = workshop.path('whole');
      await mkdir(to);
      const order = ['export', uri, 'whole', '--to', to, '--scratch', scratch];
      const begunExport = start(order, surroundings());
      const done = new AbortController();
      const kill = async (): Promise<void> => void begunExport.child.kill('SIGKILL');
      const watched = watch(manifest, { name: 'whole', known: new Set(), kill, signal: done.signal });
      await begunExport.ended;
      done.abort();
      await watched;
      const { code, stdout, stderr } = await run(['resume', '--json'], surroundings());
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ exports: [{ disks: [{ dataRead: 0 }] }] });
      expect(await readdir(join(to, 'whole'))).not.toContain('export-journal.json');
      expect(daemon.virsh('domstate', 'whole').trim()).toBe('shut off');
      expect(await residue()).toMatchObject({ removed: [], absent: [], unknown: [], failed: [] });
      await ok(run(['verify', join(to, 'whole'), '--json'], surroundings()));
    });

    describe('of a VM that is off', () => {
      test.each(casesOf(stopped))('$step: $victim', async ({ edge, victim }) => {
        expect(await killAt('resting', edge, victim)).toBe(true);
        await recover('resting');
        await expectMended('resting', 'shut off');
      });

      test('exports that there are can be proven', () => verifySome('resting'));
    });
  },
);
