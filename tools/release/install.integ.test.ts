import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programs, root } from './programs.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 120_000;
const INSTALL = join(root, 'tools/release/install.ts');

async function install(action: 'install' | 'uninstall', env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await run(process.execPath, [INSTALL, action], { env: { PATH: '/usr/bin:/bin', NODE: process.execPath, ...env } });
  return stdout;
}

const filesBelow = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));

describe('what make install puts into an empty folder', { timeout: TIMEOUT_MS }, () => {
  let home = '';
  let prefix = '';
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'hypersdk-install-test-'));
    prefix = join(home, 'usr');
    await mkdir(prefix);
    await install('install', { PREFIX: prefix });
  }, TIMEOUT_MS);
  afterAll(() => rm(home, { recursive: true }));

  /** As a user who knows nothing of the checkout. */
  const hyperexport = (...args: readonly string[]): Promise<{ stdout: string }> =>
    run(join(prefix, 'bin/hyperexport'), args, { cwd: home, env: { PATH: '/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8' } });

  test('each program answers to its name', async () => {
    expect((await readdir(join(prefix, 'bin'))).toSorted()).toEqual(programs.map(({ name }) => name).toSorted());
    expect((await hyperexport('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await hyperexport('--help')).stdout).toContain('export');
  });

  test('a disk is converted with proof, threads and native calls included, and found equal', async () => {
    await writeFile(join(home, 'disk.raw'), Buffer.alloc(9 * 1024 ** 2, 'content'));
    await hyperexport('convert', 'disk.raw', 'disk.qcow2', '--compression', 'zstd', '--quiet');
    const { stdout } = await hyperexport('compare', 'disk.raw', 'disk.qcow2', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ result: 'equal' });
  });

  test('the shells find their completions, and whoever asks finds the licences', async () => {
    for (const path of ['bash-completion/completions/hyperexport', 'zsh/site-functions/_hyperexport', 'fish/vendor_completions.d/hyperexport.fish'])
      expect(await readFile(join(prefix, 'share', path), 'utf8')).toContain('convert');
    expect(await readFile(join(prefix, 'lib/hypersdk/LICENSE'), 'utf8')).toContain('Apache License');
    expect(await readdir(join(prefix, 'lib/hypersdk/licences'))).toContain('koffi');
  });

  test('nothing in it leads back to where it was built', async () => {
    const files = await filesBelow(join(prefix, 'lib/hypersdk/bin'));
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) expect((await readFile(file, 'utf8')).split('\n').slice(1).join('\n'), file).not.toContain(root);
  });

  test('installing again replaces it, and uninstalling takes all of it away', async () => {
    await install('install', { PREFIX: prefix });
    expect((await hyperexport('--version')).stdout).not.toBe('');
    await install('uninstall', { PREFIX: prefix });
    expect(await filesBelow(prefix)).toEqual([]);
  });
});

describe('for packagers', { timeout: TIMEOUT_MS }, () => {
  test('DESTDIR is where files go, PREFIX where they will be found', async () => {
    const stage = await mkdtemp(join(tmpdir(), 'hypersdk-stage-'));
    await install('install', { DESTDIR: stage, PREFIX: '/opt/hypersdk' });
    expect(await readlink(join(stage, 'opt/hypersdk/bin/hyperexport'))).toBe('../lib/hypersdk/bin/hyperexport.mjs');
    for (const file of await filesBelow(join(stage, 'opt/hypersdk/lib/hypersdk/bin'))) expect(await readFile(file, 'utf8')).not.toContain(stage);
    await rm(stage, { recursive: true });
  });

  test('a PREFIX that is relative or cannot be made, and a NODE that is none, are refused', async () => {
    await expect(install('install', { PREFIX: 'usr' })).rejects.toThrow(/PREFIX is usr/);
    await expect(install('install', { PREFIX: '/proc/hypersdk' })).rejects.toThrow(/mkdir '\/proc\/hypersdk'/);
    await expect(install('install', { NODE: '/bin/false' })).rejects.toThrow(/NODE is \/bin\/false, which is no Node/);
  });
});
