import { execFileSync } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import type { ProviderSession, StoragePools, VolumePiece, Volumes } from '@hypersdk/ports';
import { calm, expectRefusal, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest } from '../build-guest.ts';
import { type Libvirtd, openLibvirtd } from '../build-libvirtd.ts';
import { libvirtProvider } from '../libvirt-provider.ts';
import { makePool } from '../restore/build-pool.ts';

const TIMEOUT_MS = 120_000;
const MIB = 1024 ** 2;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-img', 'qemu-io'))('volumes of a daemon', { timeout: TIMEOUT_MS }, () => {
  const opened = new AsyncDisposableStack();
  let running: Libvirtd | undefined;
  let folder = '';

  beforeAll(async () => {
    running = opened.use(await openLibvirtd());
    folder = await makePool(running, 'disks');
  }, TIMEOUT_MS);
  afterAll(() => opened.disposeAsync());

  const daemon = (): Libvirtd => running ?? expect.fail('The daemon does not run.');
  async function open(): Promise<{ readonly pools: StoragePools; readonly volumes: Volumes } & AsyncDisposable> {
    const session: ProviderSession = await libvirtProvider.open(libvirtProvider.parse({ uri: daemon().uri }), calm);
    const { storagePools, volumes } = session.facets;
    if (!storagePools || !volumes) return expect.fail('The session has no volumes.');
    return { pools: storagePools, volumes, [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() };
  }

  test('a pool is described as virsh does, stopped and started', async () => {
    await using session = await open();
    const { pools } = session;
    const { virsh } = daemon();
    const told = await pools.get('disks', calm);
    const info = virsh('pool-info', 'disks', '--bytes');
    expect(told).toMatchObject({ name: 'disks', type: 'dir', state: 'running', autostart: false, path: folder });
    expect(info).toMatch(new RegExp(`Capacity:\\s+${told.capacity}`));
    expect((told.allocation ?? 0) + (told.available ?? 0)).toBe(told.capacity);
    await pools.stop('disks', calm);
    await pools.stop('disks', calm);
    expect(await pools.get('disks', calm)).toEqual({ name: 'disks', type: 'dir', state: 'stopped', autostart: false, path: folder });
    expect(virsh('pool-list', '--inactive')).toContain('disks');
    await expectRefusal(pools.refresh('disks', calm), 'storage-pool/unfit');
    await expectRefusal(session.volumes.list('disks', calm), 'storage-pool/unfit');
    for (let time = 0; time < 2; time += 1) await pools.start('disks', calm);
    expect((await pools.list(calm)).map(({ name, state }) => `${name} ${state}`)).toEqual(['disks running']);
    virsh('pool-autostart', 'disks');
    expect(await pools.get('disks', calm)).toMatchObject({ autostart: true });
    await expectRefusal(pools.get('nowhere', calm), 'storage-pool/not-found');
  });

  test('volumes are made as they were wished, as qemu-img sees them', async () => {
    await using session = await open();
    const { volumes } = session;
    const imageOf = (path: string): Record<string, unknown> =>
      JSON.parse(execFileSync('qemu-img', ['info', '-U', '--output=json', path], { encoding: 'utf8' }));
    const base = await volumes.create({ pool: 'disks', name: 'base & co.qcow2', format: 'qcow2', virtualSize: 5 * MIB, allocation: 'sparse' }, calm);
    const above = await volumes.create(
      { pool: 'disks', name: 'above.qcow2', format: 'qcow2', virtualSize: 8 * MIB, allocation: 'sparse', backing: base },
      calm,
    );
    const full = await volumes.create({ pool: 'disks', name: 'full.raw', format: 'raw', virtualSize: 3 * MIB, allocation: 'preallocated' }, calm);
    expect(imageOf(base.path)).toMatchObject({ format: 'qcow2', 'virtual-size': 5 * MIB });
    expect(imageOf(above.path)).toMatchObject({ 'virtual-size': 8 * MIB, 'backing-filename': base.path, 'backing-filename-format': 'qcow2' });
    expect((await stat(full.path)).blocks * 512).toBeGreaterThanOrEqual(3 * MIB);
    expect(above).toMatchObject({ kind: 'file', format: 'qcow2', virtualSize: 8 * MIB, backing: { path: base.path, format: 'qcow2' } });
    expect((await volumes.list('disks', calm)).map(({ name }) => name).toSorted()).toEqual(['above.qcow2', 'base & co.qcow2', 'full.raw']);
    await expectRefusal(
      volumes.create({ pool: 'disks', name: 'full.raw', format: 'raw', virtualSize: MIB, allocation: 'sparse' }, calm),
      'volume/exists',
    );
    await expectRefusal(volumes.delete(base, calm), 'volume/in-use');
    expect(await volumes.resize(above, { ...calm, virtualSize: 16 * MIB })).toMatchObject({ virtualSize: 16 * MIB });
    expect(imageOf(above.path)).toMatchObject({ 'virtual-size': 16 * MIB });
    await expectRefusal(volumes.resize(above, { ...calm, virtualSize: MIB }), 'usage/invalid');
    for (const made of [above, base, full]) await volumes.delete(made, calm);
    expect(await volumes.list('disks', calm)).toEqual([]);
    await expectRefusal(volumes.delete(base, calm), 'volume/not-found');
  });

  test('what was sent is what lies there and what is read again, holes included', async () => {
    await using session = await open();
    const { volumes } = session;
    const made = await volumes.create({ pool: 'disks', name: 'sent.raw', format: 'raw', virtualSize: 4 * MIB, allocation: 'sparse' }, calm);
    const [head, tail] = [Buffer.alloc(700_001, 'head'), Buffer.alloc(MIB, 'tail')];
    const hole = 4 * MIB - head.length - tail.length;
    async function* pieces(): AsyncGenerator<VolumePiece> {
      yield { kind: 'data', bytes: head };
      yield { kind: 'hole', length: hole };
      yield { kind: 'data', bytes: tail };
    }
    await volumes.upload(made, { ...calm, pieces: pieces() });
    const expected = Buffer.concat([head, Buffer.alloc(hole), tail]);
    expect((await readFile(made.path)).equals(expected)).toBe(true);
    expect((await stat(made.path)).blocks * 512).toBeLessThan(3 * MIB);
    const read: Buffer[] = [];
    let holes = 0;
    for await (const piece of volumes.download(made, calm)) {
      read.push(piece.kind === 'data' ? Buffer.from(piece.bytes) : Buffer.alloc(piece.length));
      if (piece.kind === 'hole') holes += piece.length;
    }
    expect(Buffer.concat(read).equals(expected)).toBe(true);
    expect(holes).toBeGreaterThan(MIB);
    for await (const piece of volumes.download(made, calm)) {
      expect(piece.kind).toBe('data');
      break;
    }
    await volumes.delete(made, calm);
  });

  test('what a VM has is neither deleted nor enlarged nor written over, though the VM is off', async () => {
    await using session = await open();
    const { volumes } = session;
    const { virsh } = daemon();
    const made = await volumes.create({ pool: 'disks', name: 'owned.qcow2', format: 'qcow2', virtualSize: MIB, allocation: 'sparse' }, calm);
    const devices = `<disk type='volume' device='disk'><driver name='qemu' type='qcow2'/><source pool='disks' volume='owned.qcow2'/><target dev='vdq' bus='virtio'/></disk>`;
    await defineGuest(daemon(), { name: 'owner', kind: 'deaf', devices });
    await expectRefusal(volumes.delete(made, calm), 'volume/in-use');
    await expectRefusal(volumes.resize(made, { ...calm, virtualSize: 2 * MIB }), 'volume/in-use');
    const pieces = (async function* (): AsyncGenerator<VolumePiece> {
      yield { kind: 'data', bytes: new Uint8Array(1) };
    })();
    await expectRefusal(volumes.upload(made, { ...calm, pieces }), 'volume/in-use');
    virsh('undefine', 'owner');
    await volumes.delete(made, calm);
  });
});
