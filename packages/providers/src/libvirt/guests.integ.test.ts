import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toVMId, type VMInfo } from '@hypersdk/domain';
import type { Inventory, ProviderSession, Snapshots } from '@hypersdk/ports';
import { calm, expectRefusal, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from './build-guest.ts';
import { giveAway, type Libvirtd, openLibvirtd } from './build-libvirtd.ts';
import { DomainWatch } from './domain-watch.ts';
import { openConnection } from './libvirt-connection.ts';
import { libvirtProvider } from './libvirt-provider.ts';
import { LibvirtSnapshots } from './libvirt-snapshots.ts';
import { procedures } from './rpc/procedures.ts';
import type { StreamPiece } from './rpc/rpc-stream.ts';

const TIMEOUT_MS = 120_000;
const AGENT = `<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>`;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io'))('guests of a real daemon', { timeout: TIMEOUT_MS }, () => {
  const opened = new AsyncDisposableStack();
  let running: Libvirtd | undefined;
  let count = 0;

  beforeAll(async () => {
    running = opened.use(await openLibvirtd());
  });
  afterAll(() => opened.disposeAsync());

  const daemon = (): Libvirtd => running ?? expect.fail('The daemon does not run.');
  const open = (): Promise<ProviderSession> => libvirtProvider.open(libvirtProvider.parse({ uri: daemon().uri }), calm);
  const define = async (wish: Partial<Parameters<typeof defineGuest>[1]> = {}) => {
    const name = `guest-${(count += 1)}`;
    return { name, id: toVMId(await defineGuest(daemon(), { name, kind: 'deaf', ...wish })) };
  };
  const listed = async (inventory: Inventory): Promise<readonly VMInfo[]> => Array.fromAsync(inventory.list(calm));

  describe('inventory', () => {
    test('what others change is in the next list, though nobody asks about all again', async () => {
      await using session = await open();
      const { inventory } = session.facets;
      const guest = await define();
      const other = await define();
      expect((await listed(inventory)).find(({ id }) => id === guest.id)).toMatchObject({ name: guest.name, powerState: 'stopped' });
      daemon().virsh('start', guest.name);
      daemon().virsh('undefine', other.name);
      const late = await define({ devices: AGENT });
      await expect
        .poll(async () => (await listed(inventory)).map(({ name, powerState }) => `${name} ${powerState}`))
        .toContain(`${guest.name} running`);
      const all = await listed(inventory);
      expect(all.map(({ id }) => id)).toContain(late.id);
      expect(all.map(({ id }) => id)).not.toContain(other.id);
      daemon().virsh('destroy', guest.name);
      daemon().virsh('setvcpus', guest.name, '1', '--config');
      await expect.poll(async () => (await inventory.get(guest.id, calm)).powerState).toBe('stopped');
    });

    test('memory that is kept for the next start is noticed, and the start goes on from it', async () => {
      await using session = await open();
      const guest = await define();
      await session.facets.power?.start(guest.id, calm);
      daemon().virsh('managedsave', guest.name);
      expect(await session.facets.inventory.get(guest.id, calm)).toMatchObject({ powerState: 'suspended', hasSavedMemory: true });
      await session.facets.power?.start(guest.id, calm);
      const vm = await session.facets.inventory.get(guest.id, calm);
      expect(vm).toMatchObject({ powerState: 'running' });
      expect(vm.hasSavedMemory).toBeUndefined();
      await session.facets.power?.powerOff(guest.id, calm);
    });

    test('an agent that does not answer and a chain of images are told', async () => {
      await using session = await open();
      const guest = await define({ devices: AGENT });
      await session.facets.power?.start(guest.id, calm);
      daemon().virsh('snapshot-create-as', guest.name, 'upper', '--disk-only', '--no-metadata');
      expect(await session.facets.inventory.get(guest.id, calm)).toMatchObject({
        guestAgent: 'silent',
        disks: [
          {
            id: 'vda',
            location: diskPath(daemon(), guest.name, 'vda').replace('.qcow2', '.upper'),
            backing: [diskPath(daemon(), guest.name, 'vda')],
          },
        ],
      });
      await session.facets.power?.powerOff(guest.id, calm);
    });

    test('a disk whose image is not there is left out, and that is said', async () => {
      await using session = await open();
      const guest = await define({ disks: ['vda', 'vdb'] });
      execFileSync('rm', [diskPath(daemon(), guest.name, 'vdb')]);
      const problems: string[] = [];
      const vms = await Array.fromAsync(session.facets.inventory.list({ ...calm, onProblem: (problem) => problems.push(problem) }));
      expect(vms.find(({ id }) => id === guest.id)?.disks.map(({ id }) => id)).toEqual(['vda']);
      expect(problems).toEqual([expect.stringMatching(/the size of the disk vdb .* is not known/)]);
    });

    test('who only looks has nothing to change with', async () => {
      await using session = await libvirtProvider.open(libvirtProvider.parse({ uri: daemon().uri, readOnly: true }), calm);
      expect(Object.keys(session.facets)).toEqual(['inventory', 'events', 'metrics']);
      expect((await listed(session.facets.inventory)).length).toBeGreaterThan(0);
    });
  });

  describe('external snapshots', () => {
    const request = (name: string) => ({ name, placement: 'external', quiesce: 'if-possible' }) as const;
    const imageOf = (name: string): string => /vda\s+(\S+)/.exec(daemon().virsh('domblklist', name))?.[1] ?? '';

    test.each(['by the server', 'step by step'])('are made of a running guest and merged %s', async (how) => {
      await using connection = await openConnection(libvirtProvider.parse({ uri: daemon().uri }), calm);
      const { client } = connection;
      const snapshots: Snapshots = new LibvirtSnapshots(client, new DomainWatch(client), { mergesItself: how === 'by the server' });
      const guest = await define({ disks: ['vda', 'vdb'] });
      daemon().virsh('start', guest.name);
      const before = imageOf(guest.name);
      const { snapshot, isQuiesced } = await snapshots.create(guest.id, request('nightly'), calm);
      expect({ ...snapshot, isQuiesced }).toMatchObject({
        name: 'nightly',
        placement: 'external',
        hasMemory: false,
        isCurrent: true,
        isQuiesced: false,
      });
      const overlay = imageOf(guest.name);
      expect(overlay).not.toBe(before);
      await snapshots.delete(guest.id, snapshot.id, calm);
      expect(imageOf(guest.name)).toBe(before);
      expect(existsSync(overlay)).toBe(false);
      expect(await snapshots.list(guest.id, calm)).toEqual([]);
      expect(daemon().virsh('domblkinfo', guest.name, 'vdb')).toContain('Capacity');
      daemon().virsh('destroy', guest.name);
      execFileSync('qemu-img', ['check', '-q', before]);
    });

    test('an older server merges only the last one', async () => {
      await using connection = await openConnection(libvirtProvider.parse({ uri: daemon().uri }), calm);
      const { client } = connection;
      const snapshots = new LibvirtSnapshots(client, new DomainWatch(client), { mergesItself: false });
      const guest = await define();
      daemon().virsh('start', guest.name);
      const { snapshot } = await snapshots.create(guest.id, request('first'), calm);
      await snapshots.create(guest.id, request('second'), calm);
      await expectRefusal(snapshots.delete(guest.id, snapshot.id, calm), 'libvirt/unsupported');
      daemon().virsh('destroy', guest.name);
    });

    test('an agent that does not answer is not claimed to have', async () => {
      await using session = await open();
      const guest = await define({ devices: AGENT });
      await session.facets.power?.start(guest.id, calm);
      const { snapshots } = session.facets;
      await expectRefusal(snapshots?.create(guest.id, { ...request('a'), quiesce: 'required' }, calm) ?? Promise.resolve(), 'vm/agent-absent');
      expect(await snapshots?.create(guest.id, request('a'), calm)).toMatchObject({ isQuiesced: false });
      await session.facets.power?.powerOff(guest.id, calm);
    });
  });

  test('a running guest with checkpoints is not taken back to an internal snapshot', async () => {
    await using session = await open();
    const guest = await define();
    await session.facets.power?.start(guest.id, calm);
    const made = await session.facets.snapshots?.create(guest.id, { name: 'before', placement: 'internal', quiesce: 'never' }, calm);
    expect(made?.snapshot.hasMemory).toBe(true);
    daemon().virsh('checkpoint-create-as', guest.name, 'backup-1');
    const refusal = await expectRefusal(
      session.facets.snapshots?.revert(guest.id, made?.snapshot.id ?? expect.fail(), calm) ?? Promise.resolve(),
      'vm/wrong-state',
    );
    expect(refusal.message).toContain('1 checkpoints');
    expect((await session.facets.inventory.get(guest.id, calm)).powerState).toBe('running');
    daemon().virsh('checkpoint-delete', guest.name, 'backup-1');
    await session.facets.snapshots?.revert(guest.id, made?.snapshot.id ?? expect.fail(), calm);
    expect((await session.facets.inventory.get(guest.id, calm)).powerState).toBe('running');
    await session.facets.power?.powerOff(guest.id, calm);
  });

  test('a volume is written and read over the connection, holes and all', async () => {
    const folder = join(daemon().folder, 'pool');
    await mkdir(folder);
    await giveAway(folder);
    const xml = join(daemon().folder, 'pool.xml');
    await writeFile(xml, `<pool type='dir'><name>own</name><target><path>${folder}</path></target></pool>`);
    daemon().virsh('pool-create', xml);
    daemon().virsh('vol-create-as', 'own', 'disk.raw', '8M', '--format', 'raw', '--allocation', '0');
    await using connection = await openConnection(libvirtProvider.parse({ uri: daemon().uri }), calm);
    const { volume } = await connection.client.call(procedures.volumeLookupByPath, { path: join(folder, 'disk.raw') }, calm);
    const bytes = Buffer.alloc(1_000_000, 'libvirt');
    const sparse = { volume, offset: 0n, length: 0n, flags: 1 };
    async function* pieces(): AsyncGenerator<StreamPiece> {
      yield { kind: 'data', bytes };
      yield { kind: 'hole', length: 4 * 1024 * 1024 };
      yield { kind: 'data', bytes: Buffer.from('the end') };
    }
    await connection.client.upload(procedures.volumeUpload, sparse, { ...calm, pieces: pieces() });
    // An upload leaves the file as long as what was sent.
    const disk = Buffer.alloc(bytes.length + 4 * 1024 * 1024 + 'the end'.length);
    let [at, hole] = [0, 0];
    for await (const piece of connection.client.download(procedures.volumeDownload, sparse, calm)) {
      if (piece.kind === 'data') disk.set(piece.bytes, at);
      else hole += piece.length;
      at += piece.kind === 'data' ? piece.bytes.length : piece.length;
    }
    expect(at).toBe(disk.length);
    expect(hole).toBeGreaterThan(4_000_000 - 8192);
    expect(disk.subarray(0, bytes.length).equals(bytes)).toBe(true);
    expect(disk.subarray(-'the end'.length).toString()).toBe('the end');
  });

  test('when the daemon dies, whoever waits hears of it, and the guests are found again afterwards', async () => {
    await using session = await open();
    const guest = await define();
    await session.facets.power?.start(guest.id, calm);
    const shutdown = session.facets.power?.shutdown(guest.id, { ...calm, patienceMs: 60_000 });
    // What asks again finds nobody.
    const waiting = expectRefusal(shutdown ?? Promise.resolve(), 'libvirt/lost', 'libvirt/unreachable');
    await daemon().kill();
    await waiting;
    // What only looks is asked over a new connection, as soon as there is one.
    const asked = session.facets.inventory.get(guest.id, calm);
    await expectRefusal(open(), 'libvirt/unreachable');
    await daemon().start();
    expect(await asked).toMatchObject({ id: guest.id });
    await using again = await open();
    await expect.poll(async () => (await again.facets.inventory.get(guest.id, calm)).powerState, { timeout: 20_000 }).toBe('running');
    await again.facets.power?.powerOff(guest.id, calm);
  });
});
