import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { missing } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { readVolume } from '../../tools/demo/fat32/read-volume.ts';
import { CACHE, LAUNCHER, run } from '../hyperexport/program.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
const DEMO = join(CHECKOUT, 'tools/demo/demo.ts');
const home = await mkdtemp(join(tmpdir(), 'hypersdk-demo-'));
afterAll(() => rm(home, { recursive: true, force: true }));

const folder = join(home, 'demo');
const disk = join(folder, 'vms/web-01.vmdk');
const copy = join(folder, 'exports/web-01/disk-0.qcow2');
const surroundings = { state: join(home, 'state'), cwd: CHECKOUT };
const env = { PATH: process.env['PATH'], HOME: home, XDG_CACHE_HOME: CACHE, HYPERSDK_STATE: surroundings.state, LANG: 'C.UTF-8' };

interface Ended {
  readonly code: number | null;
  readonly shown: string;
}

/** Runs the demo as `npm start` does. `stopAt`: Ctrl-C as soon as this is shown. */
async function demo(args: readonly string[], o: { readonly stopAt?: RegExp } = {}): Promise<Ended> {
  const child = spawn(process.execPath, [DEMO, ...args], { cwd: CHECKOUT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let shown = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      const before = shown;
      shown += text;
      if (o.stopAt?.test(shown) && !o.stopAt.test(before)) child.kill('SIGINT');
    });
  }
  await once(child, 'close');
  return { code: child.exitCode, shown };
}

const small = ['--folder', folder, '--size', '64M'];

/** Each test runs several programs, on a machine that may be busy. */
const TIMEOUT_MS = 120_000;

describe('the demo, in order', { timeout: TIMEOUT_MS }, () => {
  test('stopped while it makes the sample, it leaves nothing that looks complete', async () => {
    const { code, shown } = await demo(small, { stopAt: /A virtual machine/ });
    expect([code, shown]).toEqual([130, expect.stringMatching(/npm start: Stopped as asked\. Run the same command again/)]);
    expect(await readdir(folder)).toEqual([]);
  });

  test('stopped while it exports, it says how to go on', async () => {
    const { code, shown } = await demo(small, { stopAt: /hyperexport export/ });
    expect([code, shown]).toEqual([130, expect.stringContaining('npm start goes on from here')]);
    expect(existsSync(disk)).toBe(true);
    expect(existsSync(join(folder, 'exports/web-01/export-manifest.json'))).toBe(false);
  });

  test('the next run keeps the sample, exports, verifies, and shows where everything lies', async () => {
    const madeAt = (await stat(disk)).mtimeMs;
    const { code, shown } = await demo(small);
    expect(shown).toMatch(/web-01 is there already/);
    expect(shown).toMatch(/exported and proven/);
    expect(shown).toMatch(/disk-0\.qcow2 +equal +\d+ +valid/);
    expect(code).toBe(0);
    expect((await stat(disk)).mtimeMs).toBe(madeAt);
    const receipt: unknown = JSON.parse(await readFile(`${copy}.receipt.json`, 'utf8'));
    const root = /root digest +([0-9a-f]{64})/.exec(shown)?.[1];
    expect(receipt).toMatchObject({ body: { content: { root, virtualSize: 64 * 1024 ** 2 } } });
    for (const path of [disk, copy, `${copy}.receipt.json`, join(surroundings.state, 'keys/receipts.pem.pub')]) {
      expect(shown).toContain(path);
      expect(existsSync(path)).toBe(true);
    }
    expect(shown, 'no colours without a terminal').not.toContain('\u001B');
  });

  test('the run after that verifies what is there and copies nothing', async () => {
    const madeAt = (await stat(copy)).mtimeMs;
    const { code, shown } = await demo(small);
    expect([code, shown]).toEqual([0, expect.stringMatching(/Done before, \d{4}-\d\d-\d\d \d\d:\d\d UTC/)]);
    expect(shown).toMatch(/disk-0\.qcow2 +equal/);
    expect((await stat(copy)).mtimeMs).toBe(madeAt);
  });

  test('the commands that it shows work as they stand', async () => {
    const { shown } = await demo(small);
    const commands = [...shown.matchAll(/npx hyperexport ((?:verify|inspect|compare|export|list) .*)$/gm)]
      .map((match) => match[1] ?? '')
      .filter((command) => command.includes(folder));
    expect(commands.length).toBeGreaterThanOrEqual(4);
    for (const command of commands) {
      const shell = await promisify(execFile)('/bin/sh', ['-euc', `'${process.execPath}' '${LAUNCHER}' ${command}`], { cwd: CHECKOUT, env });
      expect(shell.stdout, command).not.toBe('');
    }
    expect((await demo(small)).shown, 'the name that was taken is not offered again').toContain('--name web-01-3');
  });

  test('the disk holds files of this checkout, and the copy holds the same', async () => {
    const raw = join(home, 'copy.raw');
    await run(['convert', copy, raw, '--unverified', '--quiet'], surroundings);
    const files = readVolume(await readFile(raw));
    expect(files.length).toBeGreaterThan(500);
    const license = files.find(({ path }) => path === 'hypersdk/LICENSE');
    expect(license?.content.equals(await readFile(join(CHECKOUT, 'LICENSE')))).toBe(true);
    expect(files.some(({ path }) => path.startsWith('packages/'))).toBe(true);
    expect(files.filter(({ path }) => /(?:^|\/)\.|node_modules/.test(path))).toEqual([]);
  });

  test('damage is found, and the mend works as it stands', async () => {
    const damaged = /printf x \| dd .*/.exec((await demo(small)).shown)?.[0] ?? '';
    execFileSync('/bin/sh', ['-euc', damaged], { env, cwd: CHECKOUT, stdio: 'ignore' });
    const { code, shown } = await demo(small);
    expect([code, shown]).toEqual([1, expect.stringMatching(/disk-0\.qcow2 +DIFFERENT/)]);
    const mend = /To make it anew: npx hyperexport (.*)$/m.exec(shown)?.[1] ?? '';
    execFileSync('/bin/sh', ['-euc', `'${process.execPath}' '${LAUNCHER}' ${mend}`], { env, cwd: CHECKOUT, stdio: 'ignore' });
    expect((await demo(small)).code).toBe(0);
  });

  test('a new sample replaces the export of the old one', async () => {
    await rm(join(folder, 'vms'), { recursive: true });
    await mkdir(join(folder, 'sample.999999999'));
    const { code, shown } = await demo(['--folder', folder, '--size', '48M']);
    expect([code, shown]).toEqual([0, expect.stringContaining('--overwrite')]);
    expect((await run(['compare', disk, copy], surroundings)).code).toBe(0);
    expect((await readdir(folder)).toSorted(), 'what a killed run had left is gone').toEqual(['exports', 'vms']);
  });
});

describe('what it is asked', () => {
  test.each([[['--size', '1M']], [['--size', 'much']], [['--what']]])('%j is refused in one line', async (args) => {
    const { code, shown } = await demo(args);
    expect(code).toBe(64);
    expect(shown).toMatch(/^npm start: [^\n]+\n$/);
  });

  test('help', async () => {
    expect(await demo(['--help'])).toEqual({ code: 0, shown: expect.stringContaining('--folder DIR') });
  });
});

describe.skipIf(missing('qemu-img'))('qemu-img', () => {
  test('finds both disks whole and equal', () => {
    const options = { encoding: 'utf8', stdio: 'pipe' } as const;
    expect(execFileSync('qemu-img', ['check', copy], options)).toMatch(/No errors/);
    expect(execFileSync('qemu-img', ['compare', disk, copy], options)).toMatch(/identical/);
  });
});
