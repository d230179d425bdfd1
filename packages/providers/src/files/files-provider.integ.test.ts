import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { imageInspector } from '@hypersdk/disk';
import { toVMId, type ReferencePolicy, type VMInfo } from '@hypersdk/domain';
import { calm, expectGoldenJson, expectRefusal, missing } from '@hypersdk/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { filesProvider } from './files-provider.ts';

const provider = filesProvider(imageInspector);
const MANY_FILES = 3000;

let folder = '';
let problems: string[] = [];

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'hypersdk-files-')));
  problems = [];
});
afterEach(() => rm(folder, { recursive: true }));

const fixture = (name: string): URL => new URL(`fixtures/${name}`, import.meta.url);

function make(...args: readonly string[]): void {
  execFileSync('qemu-img', ['create', '-q', ...args], { cwd: folder });
}

async function list(options: { readonly references?: ReferencePolicy } = {}): Promise<VMInfo[]> {
  await using session = await provider.open(provider.parse({ path: folder, ...options }), calm);
  return await Array.fromAsync(session.facets.inventory.list({ ...calm, onProblem: (problem) => problems.push(problem) }));
}

/** Without what differs from machine to machine: where the folder lies, and in what steps its file system counts. */
const portable = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value)
      .replaceAll(folder, '<folder>')
      .replaceAll(/"allocatedSize":\d+,"format":"raw"/g, '"format":"raw"'),
  );

describe.skipIf(missing('qemu-img', 'qemu-io'))('with images made by qemu-img', () => {
  test('a libvirt domain with its images', async () => {
    await copyFile(fixture('web-01.xml'), join(folder, 'web-01.xml'));
    make('-f', 'qcow2', 'web-01.qcow2', '20G');
    await mkdir(join(folder, 'disks'));
    make('-f', 'raw', 'disks/web-01 logs & mail.raw', '1G');
    expectGoldenJson(fixture('web-01.vm-info.json'), portable(await list()));
    expect(problems).toEqual(['"web-01.xml": the disk vdc is no file but of type block.']);
  });

  test('a VMX machine with its images', async () => {
    await copyFile(fixture('db-01.vmx'), join(folder, 'db-01.vmx'));
    for (const name of ['db-01.vmdk', 'db-01_1.vmdk', 'db-01_log.vmdk']) make('-f', 'vmdk', name, '40G');
    expectGoldenJson(fixture('db-01.vm-info.json'), portable(await list()));
    expect(problems).toEqual(['"db-01.vmx": the disk nvme0:0 ("../elsewhere/fast.vmdk") is not in this folder.']);
  });

  test('files that an image refers to are listed with it, not beside it', async () => {
    make('-f', 'qcow2', 'base.qcow2', '1G');
    make('-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'middle.qcow2');
    make('-f', 'qcow2', '-b', 'middle.qcow2', '-F', 'qcow2', 'top.qcow2');
    make('-f', 'vmdk', '-o', 'subformat=monolithicFlat', 'flat.vmdk', '8M');
    make('-f', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse', 'split.vmdk', '3G');
    expect((await list({ references: 'beside' })).map(({ id }) => id)).toEqual(['flat.vmdk', 'split.vmdk', 'top.qcow2']);
    expect(problems).toEqual([]);
  });

  test('the same when a descriptor names the topmost image', async () => {
    make('-f', 'qcow2', 'base.qcow2', '1G');
    make('-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'middle.qcow2');
    make('-f', 'qcow2', '-b', 'middle.qcow2', '-F', 'qcow2', 'top.qcow2');
    await writeFile(
      join(folder, 'vm.xml'),
      '<domain><name>vm</name><devices><disk><driver type="qcow2"/><source file="top.qcow2"/></disk></devices></domain>',
    );
    expect((await list({ references: 'beside' })).map(({ id }) => id)).toEqual(['vm.xml']);
  });

  test('without leave to follow references, an image that has some is a problem', async () => {
    make('-f', 'qcow2', 'base.qcow2', '1G');
    make('-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'top.qcow2');
    make('-f', 'vmdk', '-o', 'subformat=monolithicFlat', 'flat.vmdk', '8M');
    expect((await list()).map(({ id }) => id)).toEqual(['base.qcow2']);
    expect(problems).toHaveLength(2);
  });

  test('a write to the file behind an image is a changed source', async () => {
    make('-f', 'qcow2', 'base.qcow2', '1G');
    make('-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', 'top.qcow2');
    await using session = await provider.open(provider.parse({ path: folder, references: 'beside' }), calm);
    await using lease = await session.facets.diskExport.open(toVMId('top.qcow2'), calm);
    await lease.check(calm);
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write 0 64k', 'base.qcow2'], { cwd: folder });
    await expectRefusal(lease.check(calm), 'source/changed');
  });
});

test(`${MANY_FILES} images are listed in turn, and one of them is found without the others`, { timeout: 60_000 }, async () => {
  for (let number = 0; number < MANY_FILES; number += 1) await writeFile(join(folder, `vm-${number}.raw`), 'x'.repeat(512));
  const vms = await list();
  expect(new Set(vms.map(({ id }) => id)).size).toBe(MANY_FILES);
  await using session = await provider.open(provider.parse({ path: folder }), calm);
  const begun = performance.now();
  await session.facets.inventory.get(toVMId('vm-1234.raw'), calm);
  expect(performance.now() - begun).toBeLessThan(500);
});

describe.skipIf(missing('strace'))('watched by strace', () => {
  test('a hostile folder makes the provider open nothing outside of it', { timeout: 60_000 }, async () => {
    const vms = join(folder, 'vms');
    const secret = join(folder, 'not-for-it');
    for (const path of [vms, secret]) await mkdir(path);
    for (const name of ['key.raw', 'key.vmdk', 'key.qcow2']) await writeFile(join(secret, name), 'x'.repeat(512));
    await symlink('../not-for-it/key.raw', join(vms, 'link.raw'));
    await symlink('../not-for-it', join(vms, 'links'));
    const disk = (file: string): string => `<disk><source file="${file}"/><target dev="${file.length}"/></disk>`;
    const names = [
      '../not-for-it/key.raw',
      `${secret}/key.raw`,
      'link.raw',
      'links/key.raw',
      `${vms}/../not-for-it/key.qcow2`,
      `${vms}/links/key.vmdk`,
    ];
    await writeFile(join(vms, 'x.xml'), `<domain><name>x</name><devices>${names.map(disk).join('')}</devices></domain>`);
    await writeFile(join(vms, 'y.vmx'), `displayName = "y"\nscsi0:0.fileName = "../not-for-it/key.vmdk"\nscsi0:1.fileName = "links/key.vmdk"\n`);
    await writeFile(join(vms, 'good.raw'), 'x'.repeat(512));

    const log = join(folder, 'strace.log');
    const script = `
      const { registry } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../registry.ts')).href)});
      const session = await registry.files.open(registry.files.parse({ path: ${JSON.stringify(vms)}, recursive: true, references: 'beside' }), { signal: new AbortController().signal });
      console.log(JSON.stringify(await Array.fromAsync(session.facets.inventory.list({ signal: new AbortController().signal }), ({ id, disks }) => [id, disks.length])));`;
    const printed = execFileSync(
      'strace',
      ['-f', '-qq', '-e', 'trace=open,openat,openat2,creat', '-o', log, process.execPath, '--input-type=module', '-e', script],
      { encoding: 'utf8' },
    );
    expect(JSON.parse(printed)).toEqual([
      ['x.xml', 0],
      ['y.vmx', 0],
      ['good.raw', 1],
    ]);
    const opened = execFileSync('grep', ['-c', 'good.raw', log], { encoding: 'utf8' });
    expect(Number(opened), 'opens of the file inside, so that the log is known to show them').toBeGreaterThan(0);
    expect(execFileSync('sh', ['-c', `grep -c '/not-for-it\\|/vms/link' "$1" || true`, 'sh', log], { encoding: 'utf8' }).trim()).toBe('0');
  });
});
