import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toVMId } from '@hypersdk/domain';
import type { ProviderSession, VMEvents } from '@hypersdk/ports';
import { calm, expectRefusal, missing, takeUntil } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../build-guest.ts';
import { giveAway, type Libvirtd, openLibvirtd } from '../build-libvirtd.ts';
import { DomainWatch } from '../domain-watch.ts';
import { LastingCaller } from '../lasting-caller.ts';
import { openConnection } from '../libvirt-connection.ts';
import { libvirtProvider } from '../libvirt-provider.ts';
import { LibvirtEvents } from './libvirt-events.ts';

const TIMEOUT_MS = 120_000;
/** Times 20 ms: nbdkit is there within one of them. */
const TRIES_MAX = 1000;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io'))('events of a daemon', { timeout: TIMEOUT_MS }, () => {
  let running: Libvirtd | undefined;
  let count = 0;

  beforeAll(async () => {
    running = await openLibvirtd();
  });
  afterAll(() => running?.[Symbol.asyncDispose]());

  const daemon = (): Libvirtd => running ?? expect.fail('The daemon does not run.');
  const open = (config: object = {}): Promise<ProviderSession> => libvirtProvider.open(libvirtProvider.parse({ uri: daemon().uri, ...config }), calm);
  const listen = async (session: ProviderSession): Promise<VMEvents> => (await session.facets.events?.open(calm)) ?? expect.fail('No events.');
  const define = async () => {
    const name = `told-${(count += 1)}`;
    return { name, id: toVMId(await defineGuest(daemon(), { name, kind: 'deaf' })) };
  };

  test('what virsh does to a VM is told from its making to its end, also to who may only look', async () => {
    await using session = await open({ readOnly: true });
    await using stream = await listen(session);
    const { name } = await define();
    const { virsh } = daemon();
    for (const call of ['start', 'suspend', 'resume', 'reset', 'destroy'] as const) virsh(call, name);
    virsh('undefine', name);
    const told = (await takeUntil(stream, ({ kind }) => kind === 'removed')).filter((event) => event.kind !== 'gap' && event.name === name);
    // Whether QEMU still comes to tell of a reset and of its end is a matter of time.
    expect(told.map(({ kind }) => kind).filter((kind) => kind !== 'restarted' && kind !== 'stopping')).toEqual([
      'created',
      'resumed',
      'started',
      'suspended',
      'resumed',
      'stopped',
      'removed',
    ]);
  });

  test('devices that come and go, and jobs of disks that end, are told', async () => {
    const { name, id } = await define();
    const { virsh, folder } = daemon();
    virsh('start', name);
    await using session = await open();
    await using stream = await listen(session);
    const extra = join(folder, `${name}-extra.qcow2`);
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', extra, '1M']);
    await giveAway(extra);
    virsh('attach-disk', name, extra, 'vdb', '--driver', 'qemu', '--subdriver', 'qcow2');
    expect(await takeUntil(stream, ({ kind }) => kind === 'device-added')).toContainEqual({
      vm: id,
      name,
      kind: 'device-added',
      device: 'virtio-disk1',
    });

    virsh(
      'snapshot-create-as',
      name,
      '--disk-only',
      '--no-metadata',
      '--diskspec',
      `vda,file=${diskPath(daemon(), name, 'over')}`,
      '--diskspec',
      'vdb,snapshot=no',
    );
    virsh('blockcommit', name, 'vda', '--active', '--pivot', '--wait');
    const jobs = await takeUntil(stream, (event) => event.kind === 'disk-job' && event.state === 'completed');
    expect(jobs.filter(({ kind }) => kind === 'disk-job')).toEqual(
      (['ready', 'completed'] as const).map((state) => ({ vm: id, name, kind: 'disk-job', disk: 'vda', job: 'commit', state })),
    );

    const backup = join(folder, `${name}.backup.xml`);
    await writeFile(
      backup,
      `<domainbackup><disks><disk name='vda' type='file'><target file='${folder}/${name}.copy'/></disk><disk name='vdb' backup='no'/></disks></domainbackup>`,
    );
    virsh('backup-begin', name, backup);
    expect((await takeUntil(stream, ({ kind }) => kind === 'job-ended')).at(-1)).toEqual({ vm: id, name, kind: 'job-ended', isSuccess: true });
    virsh('destroy', name);
  });

  test.skipIf(missing('nbdkit'))('a VM that rests because its disk cannot be written says why', async () => {
    const { virsh } = daemon();
    const name = 'failing';
    await defineGuest(daemon(), { name, kind: 'writing' });
    await using disk = await openFailingDisk(daemon(), diskPath(daemon(), name, 'vda'));
    const xml = join(daemon().folder, 'failing-nbd.xml');
    const attached = `<disk type='network' device='disk'><driver name='qemu' type='raw' error_policy='stop'/><source protocol='nbd' name=''><host transport='unix' socket='${disk.socket}'/></source><target dev='vda' bus='virtio'/></disk>`;
    await writeFile(xml, virsh('dumpxml', name).replace(/<disk [^]*?<\/disk>/, attached));
    virsh('define', xml);
    await using session = await open();
    await using stream = await listen(session);
    virsh('start', name);
    // libvirt 9.0 tells nobody, virsh neither, which disk of a newer QEMU it was.
    const told = await takeUntil(stream, (event) => event.kind === 'suspended');
    expect(told.at(-1)).toMatchObject({ name, reason: 'io-error' });
    virsh('destroy', name);
  });

  test('a daemon that is started again is heard again, after a gap, and the list is whole', async () => {
    const { name, id } = await define();
    await using session = await open();
    await Array.fromAsync(session.facets.inventory.list(calm));
    await using stream = await listen(session);
    await daemon().kill();
    await daemon().start();
    expect((await takeUntil(stream, ({ kind }) => kind === 'gap')).at(-1)).toEqual({ kind: 'gap', reason: 'connection' });
    const unheard = await define();
    const listed = await Array.fromAsync(session.facets.inventory.list(calm));
    expect(listed.map((vm) => vm.id)).toContain(unheard.id);
    daemon().virsh('start', name);
    await takeUntil(stream, (event) => event.kind === 'started' && event.vm === id);
    await session.facets.power?.powerOff(id, calm);
  });

  test('a stream fails with the reason when there is nobody to be asked any more', async () => {
    await using own = await openLibvirtd();
    const config = libvirtProvider.parse({ uri: own.uri });
    const connection = await openConnection(config, calm);
    await using caller = new LastingCaller(connection, { reopen: (o) => openConnection(config, o), awayMs: 500 });
    using events = new LibvirtEvents(caller, new DomainWatch(connection.client));
    await using stream = await events.open(calm);
    await own.kill();
    await expectRefusal(Array.fromAsync(stream), 'libvirt/unreachable', 'libvirt/lost');
  });
});

/** A disk in memory that a guest of the writing kind boots from, and that takes no writes. */
async function openFailingDisk({ folder }: Libvirtd, original: string): Promise<AsyncDisposable & { readonly socket: string }> {
  const socket = join(folder, 's', 'failing.sock');
  const image = join(folder, 's', 'failing.raw');
  execFileSync('qemu-img', ['convert', '-O', 'raw', original, image]);
  const args = ['-f', '-U', socket, '--filter=error', 'file', image, 'error=EIO', 'error-pwrite-rate=100%'];
  const server = spawn('nbdkit', args, { stdio: 'ignore' });
  for (let tries = 0; !existsSync(socket) && tries < TRIES_MAX; tries += 1) await delay(20);
  await chmod(socket, 0o777);
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      const exited = once(server, 'exit');
      server.kill('SIGKILL');
      await exited;
    },
  };
}
