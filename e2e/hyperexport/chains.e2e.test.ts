import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { KIB, MIB } from '@hypersdk/domain';
import { missing, seededRandom } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { documentOf, run, start, type Ended } from './program.ts';
import { openWorkshop } from './workshop.ts';

const TIMEOUT_MS = 400_000;
const SIZE = 48 * MIB;
const GRANULARITY = 64 * KIB;
const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());

const qemu = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', timeout: TIMEOUT_MS, stdio: 'pipe' });
const isSame = (format: string, disk: string, head: string): boolean =>
  qemu('qemu-img', 'compare', '-f', format, '-F', 'qcow2', disk, `${head}/disk-0.qcow2`).includes('identical');

/** A folder with one raw disk, and where it is exported to. */
async function stage(
  name: string,
): Promise<{ readonly disk: string; readonly vms: string; readonly to: string; export(...more: readonly string[]): Promise<Ended> }> {
  const vms = workshop.path(`${name}-vms`);
  const to = workshop.path(`${name}-to`);
  mkdirSync(vms);
  mkdirSync(to);
  const disk = await workshop.disk(`${name}-vms/web.raw`, { sizeMib: SIZE / MIB, dataMib: [0, 5, 6, 7, 20, 40, 47] });
  return { disk, vms, to, export: (...more) => run(['export', vms, '--to', to, '--incremental', '--json', ...more], workshop) };
}

function edit(disk: string, at: number, bytes: Uint8Array): void {
  const content = readFileSync(disk);
  content.set(bytes, at);
  writeFileSync(disk, content);
}

interface Told {
  readonly exports: readonly [
    {
      readonly mode: string;
      readonly folder: string;
      readonly disks: readonly [{ readonly dataRead: number; readonly root: string; readonly fullReason?: string }];
    },
  ];
}
function told(ended: Ended): Told['exports'][0] & { readonly disk: Told['exports'][0]['disks'][0] } {
  expect(ended).toMatchObject({ code: 0 });
  const [only] = (documentOf(ended) as Told).exports;
  return { ...only, disk: only.disks[0] };
}

describe.skipIf(missing('qemu-img', 'qemu-io', 'qemu-nbd'))('increments', { timeout: TIMEOUT_MS }, () => {
  test('a chain is made, verified, flattened and pruned, and goes on upon the flattened export', async () => {
    const { disk, to, ...staged } = await stage('whole');
    expect(told(await staged.export())).toMatchObject({ mode: 'full', disk: { fullReason: expect.stringContaining('no earlier export') } });
    edit(disk, 6 * MIB + 77, Buffer.from('monday'));
    edit(disk, 20 * MIB, new Uint8Array(MIB));
    const monday = told(await staged.export());
    edit(disk, 6 * MIB + 77, Buffer.from('tuesday'));
    const tuesday = told(await staged.export('--no-full'));
    expect([monday, tuesday]).toMatchObject([{ mode: 'incremental' }, { mode: 'incremental' }]);
    expect(isSame('raw', disk, tuesday.folder)).toBe(true);
    expect(await run(['verify', tuesday.folder], workshop)).toMatchObject({ code: 0, stdout: expect.stringContaining('Proven') });
    // What an increment lies on is found by itself, through the manifests.
    const head = `${tuesday.folder}/disk-0.qcow2`;
    expect(documentOf(await run(['inspect', head, '--json'], workshop))).toMatchObject({ format: 'qcow2', virtualSize: SIZE });
    expect(await run(['compare', disk, head], workshop)).toMatchObject({ code: 0 });
    const whole = workshop.path('whole-again.raw');
    expect(await run(['convert', head, whole, '--quiet'], workshop)).toMatchObject({ code: 0 });
    expect(readFileSync(whole).equals(readFileSync(disk))).toBe(true);
    rmSync(whole);
    const below = `${monday.folder}/disk-0.qcow2`;
    renameSync(below, `${below}.away`);
    expect(await run(['inspect', head], workshop)).toMatchObject({ code: 65, stderr: expect.stringContaining('disk-0.qcow2 is not there') });
    renameSync(`${below}.away`, below);

    const flat = await run(['chain', 'flatten', tuesday.folder, '--json'], workshop);
    expect(documentOf(flat)).toMatchObject({ mode: 'full', folder: `${to}/web.0003`, disks: [{ root: tuesday.disk.root }] });
    expect(await run(['chain', 'prune', `${to}/web.0003`], workshop)).toMatchObject({ code: 0 });
    expect(await run(['verify', tuesday.folder], workshop)).toMatchObject({ code: 66 });
    expect(await run(['chain', 'restore', to], workshop)).toMatchObject({ code: 0 });
    expect(await run(['chain', 'verify', tuesday.folder], workshop)).toMatchObject({ code: 0 });
    expect(await run(['chain', 'prune', `${to}/web.0003`], workshop)).toMatchObject({ code: 0 });
    const dry = await run(['chain', 'delete', to, '--dry-run'], workshop);
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Would delete: web/) });
    const done = await run(['chain', 'delete', to], workshop);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout.replace('Deleted', 'Would delete').split(/[ ,]+/).length).toBe(dry.stdout.split(/[ ,]+/).length);
    expect(existsSync(`${to}/web.0001/disk-0.qcow2`)).toBe(false);

    edit(disk, 40 * MIB, Buffer.from('wednesday'));
    expect(told(await staged.export('--no-full'))).toMatchObject({ mode: 'incremental', folder: `${to}/web.0004` });
    expect(isSame('raw', disk, `${to}/web.0004`)).toBe(true);
  });

  test('a disk that was resized is copied in full, with the reason; and not at all with --no-full', async () => {
    const { disk, ...staged } = await stage('resized');
    await staged.export();
    truncateSync(disk, SIZE + 3 * MIB);
    expect(await staged.export('--no-full')).toMatchObject({ code: 75, stdout: expect.stringContaining('chain/no-parent') });
    const grown = told(await staged.export());
    expect(grown).toMatchObject({ mode: 'full', disk: { fullReason: `the disk has ${SIZE + 3 * MIB} bytes now and had ${SIZE} in web` } });
    const manifest: unknown = JSON.parse(readFileSync(`${grown.folder}/export-manifest.json`, 'utf8'));
    expect(manifest).toMatchObject({ mode: 'full', disks: [{ fullReason: grown.disk.fullReason }] });
    edit(disk, SIZE + MIB, Buffer.from('more'));
    expect(told(await staged.export())).toMatchObject({ mode: 'incremental' });
  });

  test('what is wrong with a chain is found and named, and nothing is built upon it', async () => {
    const { disk, to, ...staged } = await stage('wrong');
    await staged.export();
    for (const at of [5, 20, 40]) {
      edit(disk, at * MIB, Buffer.from('changed'));
      await staged.export();
    }
    const head = `${to}/web.0003`;
    const broken = async (change: (file: string) => void, link = 'web.0001'): Promise<string> => {
      cpSync(to, `${to}-kept`, { recursive: true });
      change(`${to}/${link}/disk-0.qcow2`);
      const { code, stdout, stderr } = await run(['verify', head], workshop);
      expect(code).toBe(1);
      // In the same leaf as the change that the damaged link holds.
      edit(disk, 6 * MIB, Buffer.from('more'));
      expect(told(await staged.export())).toMatchObject({ mode: 'full', disk: { fullReason: expect.stringContaining('web.0003') } });
      rmSync(to, { recursive: true });
      renameSync(`${to}-kept`, to);
      return `${stdout}${stderr}`;
    };
    const flip = (file: string): void => edit(file, readFileSync(file).length - GRANULARITY + 9, Buffer.from('x'));
    expect(await broken(flip)).toContain('web.0001');
    expect(await broken(flip, 'web.0003')).toContain('web.0003');
    // Of the same size, as everything else in it, but from another disk.
    const other = await stage('other');
    await other.export();
    edit(other.disk, 5 * MIB, Buffer.from('changed'));
    await other.export();
    expect(await broken((file) => copyFileSync(`${other.to}/web.0001/disk-0.qcow2`, file))).toContain('web.0001');
    const swap = (file: string): void => {
      renameSync(file, `${file}.away`);
      renameSync(`${to}/web.0002/disk-0.qcow2`, file);
      renameSync(`${file}.away`, `${to}/web.0002/disk-0.qcow2`);
    };
    expect(await broken(swap)).toContain('web.0001');
    expect(await broken((file) => rmSync(file))).toContain('web.0001');
    expect(await run(['verify', head], workshop)).toMatchObject({ code: 0 });
  });

  test('killed at any time, the same command ends in a chain that is right', async () => {
    const { disk, vms, to, ...staged } = await stage('killed');
    await staged.export();
    const random = seededRandom(7);
    for (let round = 0; round < 3; round += 1) {
      edit(disk, 5 * MIB + round, Buffer.alloc(2 * MIB, round + 1));
      for (let kill = 0; kill < 3; kill += 1) {
        const { child, ended } = start(['export', vms, '--to', to, '--incremental', '--json', '--limit-rate', '12M'], workshop);
        await Promise.race([ended, delay(400 + random() * 4000)]);
        child.kill('SIGKILL');
        await ended;
      }
      await staged.export();
      const head =
        readdirSync(to)
          .toSorted()
          .findLast((name) => name.startsWith('web.')) ?? '';
      expect(isSame('raw', disk, `${to}/${head}`)).toBe(true);
      expect(await run(['verify', `${to}/${head}`], workshop)).toMatchObject({ code: 0 });
      expect(readdirSync(`${to}/${head}`).filter((name) => name.includes('partial'))).toEqual([]);
    }
  });

  test('ten increments by the dirty bitmaps of QEMU read what changed and no more, discards as zeros', async () => {
    const disk = workshop.path('bitmaps.qcow2');
    const socket = workshop.path('bitmaps.sock');
    const to = workshop.path('bitmaps-to');
    mkdirSync(to);
    qemu('qemu-img', 'create', '-q', '-f', 'qcow2', disk, `${SIZE}`);
    qemu('qemu-io', '-f', 'qcow2', '-c', `write -P 7 0 ${SIZE / 2}`, disk);
    const address = `nbd+unix:///web-01?socket=${socket}`;
    const points = Array.from({ length: 11 }, (_, day) => `day-${day}`);
    const random = seededRandom(11);
    const figures: { readonly read: number; readonly changed: number }[] = [];
    for (const [day, point] of points.entries()) {
      const since = points[day - 1];
      const touched = new Set<number>();
      const write = (command: string, at: number, length: number): void => {
        qemu('qemu-io', '-f', 'qcow2', '-c', `${command} ${at} ${length}`, disk);
        for (let block = Math.floor(at / GRANULARITY); block * GRANULARITY < at + length; block += 1) touched.add(block);
      };
      if (since !== undefined) {
        for (let each = 0; each < 4; each += 1)
          write(`write -P ${day * 10 + each + 1}`, Math.floor(random() * (SIZE / 512 - 400)) * 512, 512 * Math.ceil(random() * 400));
        write('discard', Math.floor(random() * (SIZE / GRANULARITY / 2 - 8)) * GRANULARITY, 4 * GRANULARITY);
      }
      qemu('qemu-img', 'bitmap', '--add', '-g', `${GRANULARITY}`, disk, point);
      const { spawn } = await import('node:child_process');
      const server = spawn(
        'qemu-nbd',
        ['-r', '-t', '-k', socket, '-x', 'web-01', '-f', 'qcow2', ...(since === undefined ? [] : ['-B', since]), disk],
        { stdio: 'ignore' },
      );
      while (!existsSync(socket)) await delay(20);
      const by = since === undefined ? [] : ['--bitmap', since, '--no-full'];
      const ended = await run(['export', address, '--to', to, '--incremental', '--json', '--point-in-time', point, ...by], workshop);
      server.kill();
      await new Promise((gone) => server.once('close', gone));
      rmSync(socket, { force: true });
      const { folder, disk: copied } = told(ended);
      expect(isSame('qcow2', disk, folder)).toBe(true);
      if (since !== undefined) figures.push({ read: copied.dataRead, changed: touched.size * GRANULARITY });
    }
    expect(await run(['verify', `${to}/web-01.0010`], workshop)).toMatchObject({ code: 0 });
    for (const { read, changed } of figures) expect(read).toBeLessThanOrEqual(1.1 * changed);

    // A bitmap that the server does not have, or that counts since another time, never passes for an empty one.
    const { spawn } = await import('node:child_process');
    const server = spawn('qemu-nbd', ['-r', '-t', '-k', socket, '-x', 'web-01', '-f', 'qcow2', disk], { stdio: 'ignore' });
    while (!existsSync(socket)) await delay(20);
    const args = ['export', address, '--to', to, '--incremental', '--json', '--point-in-time', 'later', '--bitmap'];
    const absent = told(await run([...args, 'day-10'], workshop));
    expect(absent).toMatchObject({ mode: 'full', disk: { fullReason: expect.stringContaining('has no bitmap') } });
    server.kill();
  });
});
