import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageInspector } from '@hypersdk/disk';
import { toDiskId, toVMId, type VMInfo } from '@hypersdk/domain';
import type { ProviderSession } from '@hypersdk/ports';
import { type ArrangeProvider, calm, expectRefusal, providerContract } from '@hypersdk/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { filesProvider } from './files-provider.ts';

const provider = filesProvider(imageInspector);
const SECTOR = new Uint8Array(512).fill(1);

const domainXml = (name: string, ...files: readonly string[]): string =>
  `<domain><name>${name}</name><devices>${files.map((file, at) => `<disk><driver type="raw"/><source file="${file}"/><target dev="vd${'abcdef'[at]}"/></disk>`).join('')}</devices></domain>`;

/** Files by name, in a folder of their own. */
async function write(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'hypersdk-files-')));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

const arrange: ArrangeProvider = async () => {
  const path = await write({
    'web.xml': domainXml('web-01', 'web-a.raw', 'disks/web-b.raw'),
    'web-a.raw': SECTOR,
    'disks/web-b.raw': new Uint8Array(4096),
    'alone.raw': SECTOR,
    'deep/er/img.img': SECTOR,
  });
  const config = provider.parse({ path, recursive: true });
  return {
    open: () => provider.open(config, calm),
    absent: toVMId('web-02.xml'),
    writeToDisk: (vm: VMInfo) => writeFile(vm.disks[0]?.location ?? '', new Uint8Array(1024).fill(2)),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
};

providerContract(arrange, ['inventory', 'diskExport', 'changedBlocks']);

describe('a folder', () => {
  let folder = '';
  let problems: string[] = [];

  beforeEach(() => {
    problems = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function open(
    files: Readonly<Record<string, string | Uint8Array>>,
    options: { readonly recursive?: boolean; readonly only?: string } = {},
  ): Promise<ProviderSession> {
    folder = await write(files);
    const path = options.only === undefined ? folder : join(folder, options.only);
    return provider.open(provider.parse({ path, recursive: options.recursive ?? false }), calm);
  }

  const list = ({ facets }: ProviderSession): Promise<VMInfo[]> =>
    Array.fromAsync(facets.inventory.list({ ...calm, onProblem: (problem) => problems.push(problem) }));
  const idsIn = async (session: ProviderSession): Promise<readonly string[]> => (await list(session)).map(({ id }) => id);

  test('an image alone is a VM of one disk with the name of the file', async () => {
    const [vm] = await list(await open({ 'shop front.raw': new Uint8Array(1536) }));
    expect(vm).toEqual({
      id: 'shop front.raw',
      name: 'shop front',
      provider: 'files',
      connection: folder,
      powerState: 'unknown',
      firmware: 'unknown',
      disks: [
        {
          id: 'shop front.raw',
          label: 'shop front.raw',
          virtualSize: 1536,
          allocatedSize: expect.any(Number),
          format: 'raw',
          location: join(folder, 'shop front.raw'),
        },
      ],
      nics: [],
      tags: {},
    });
  });

  test('a descriptor makes one VM of its images, which are not listed again', async () => {
    const session = await open({ 'web.xml': domainXml('web-01', 'a.raw', 'b.raw'), 'a.raw': SECTOR, 'b.raw': SECTOR, 'c.raw': SECTOR });
    const vms = await list(session);
    expect(vms.map(({ id, name, disks }) => [id, name, disks.length])).toEqual([
      ['web.xml', 'web-01', 2],
      ['c.raw', 'c', 1],
    ]);
    expect(problems).toEqual([]);
  });

  test('folders inside are looked through only when that is wanted', async () => {
    const files = { 'a.raw': SECTOR, 'sub/b.raw': SECTOR, 'sub/deep/c.raw': SECTOR, '.trash/d.raw': SECTOR };
    expect(await idsIn(await open(files))).toEqual(['a.raw']);
    await rm(folder, { recursive: true });
    const session = await open(files, { recursive: true });
    expect(await idsIn(session)).toEqual(['a.raw', 'sub/b.raw', 'sub/deep/c.raw']);
    expect((await session.facets.inventory.get(toVMId('sub/deep/c.raw'), calm)).path).toBe('sub/deep');
    await expectRefusal(session.facets.inventory.get(toVMId('.trash/d.raw'), calm), 'vm/not-found');
  });

  test('a single image is the only VM, whatever lies beside it', async () => {
    const session = await open({ 'a.raw': SECTOR, 'b.raw': SECTOR, 'odd-ending.bin': SECTOR }, { only: 'odd-ending.bin' });
    expect(await idsIn(session)).toEqual(['odd-ending.bin']);
    expect((await session.facets.inventory.get(toVMId('odd-ending.bin'), calm)).name).toBe('odd-ending');
    await expectRefusal(session.facets.inventory.get(toVMId('a.raw'), calm), 'vm/not-found');
  });

  test('a single descriptor is its VM', async () => {
    const session = await open({ 'web.xml': domainXml('web-01', 'a.raw'), 'a.raw': SECTOR, 'b.raw': SECTOR }, { only: 'web.xml' });
    expect((await list(session)).map(({ name, disks }) => [name, disks[0]?.location])).toEqual([['web-01', join(folder, 'a.raw')]]);
  });

  test('an image or descriptor that cannot be read is a problem, and the others are listed', async () => {
    const session = await open({
      'bad.qcow2': 'no qcow2 at all',
      'bad.vmdk': 'KDMV',
      'bad.xml': '<domain',
      'net.xml': '<network/>',
      'bad.vmx': 'x',
      'entity.xml': '<!DOCTYPE d><domain/>',
      'good.raw': SECTOR,
    });
    expect(await idsIn(session)).toEqual(['good.raw']);
    expect(problems).toHaveLength(5);
    for (const name of ['bad.qcow2', 'bad.vmdk', 'bad.xml', 'bad.vmx', 'entity.xml'])
      expect(problems.filter((problem) => problem.includes(name))).toHaveLength(1);
  });

  test('a descriptor that is too large is not read', async () => {
    const session = await open({ 'huge.xml': `<domain>${' '.repeat(1024 * 1024)}</domain>`, 'good.raw': SECTOR });
    expect(await idsIn(session)).toEqual(['good.raw']);
    expect(problems[0]).toMatch(/huge\.xml.*larger than/);
  });

  test('symbolic links are not followed, and a disk behind one that leads out is left out', async () => {
    const session = await open({ 'web.xml': domainXml('web-01', 'a.raw', 'out.raw'), 'a.raw': SECTOR });
    await symlink('/etc/passwd', join(folder, 'out.raw'));
    await symlink('/etc', join(folder, 'etc'));
    const [vm, ...others] = await list(session);
    expect(vm?.disks.map(({ id }) => id)).toEqual(['vda']);
    expect(others).toEqual([]);
    expect(problems).toEqual([
      expect.stringMatching(/"out\.raw" is a symbolic link/),
      expect.stringMatching(/"web\.xml": the disk vdb \("out\.raw"\) is not in this folder/),
    ]);
  });

  test('an absolute path of where the VM ran means the file of that name beside the descriptor', async () => {
    const session = await open(
      { 'vms/web.xml': domainXml('web-01', '/var/lib/libvirt/images/a.raw', 'C:\\VMs\\b.raw'), 'vms/a.raw': SECTOR, 'vms/b.raw': SECTOR },
      { recursive: true },
    );
    expect((await list(session)).map(({ id, disks }) => [id, ...disks.map(({ location }) => location)])).toEqual([
      ['vms/web.xml', join(folder, 'vms/a.raw'), join(folder, 'vms/b.raw')],
    ]);
  });

  test('a VM that lacks a disk is exported only when its disks are named', async () => {
    const session = await open({ 'web.xml': domainXml('web-01', 'a.raw', '../lost.raw'), 'a.raw': SECTOR });
    const id = toVMId('web.xml');
    const refusal = await expectRefusal(session.facets.diskExport?.open(id, calm) ?? Promise.resolve(), 'source/not-found');
    expect(refusal.message).toMatch(/vdb \("\.\.\/lost\.raw"\) is not in this folder/);
    await using lease = await session.facets.diskExport?.open(id, { ...calm, disks: [toDiskId('vda')] });
    expect(lease?.disks.map(({ locator }) => locator)).toEqual([
      { kind: 'image', image: { path: join(folder, 'a.raw'), format: 'raw', references: 'refuse' } },
    ]);
  });

  test('a disk that is gone is a changed source', async () => {
    const session = await open({ 'a.raw': SECTOR });
    await using lease = await session.facets.diskExport?.open(toVMId('a.raw'), calm);
    await rm(join(folder, 'a.raw'));
    await expectRefusal(lease?.check(calm) ?? Promise.resolve(), 'source/changed');
  });

  test('an id has one spelling', async () => {
    const { facets } = await open({ 'a.raw': SECTOR, 'sub/b.raw': SECTOR });
    await symlink('a.raw', join(folder, 'link.raw'));
    for (const id of ['./a.raw', 'sub/../a.raw', join(folder, 'a.raw'), 'link.raw', 'sub/b.raw', 'a.raw/', 'A.RAW', '../x', '\0', '']) {
      await expectRefusal(facets.inventory.get(toVMId(id), calm), 'vm/not-found');
    }
  });

  test('problems show outside names without what a terminal would obey', async () => {
    await list(await open({ 'bad\u001B[31m\u202E.qcow2': 'x' }));
    expect(problems).toHaveLength(1);
    expect(problems[0]?.split(' is left out')[0]).toBe('The image "bad\\u001b[31m?.qcow2"');
  });

  test('an absent folder is not found', async () => {
    await expectRefusal(provider.open(provider.parse({ path: '/no/such/folder' }), calm), 'source/not-found');
  });
});
