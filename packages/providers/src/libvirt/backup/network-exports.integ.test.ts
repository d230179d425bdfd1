import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { openTransfer } from '@hypersdk/disk';
import { toVMId } from '@hypersdk/domain';
import type { BlockLocator, ExportLease, Facets, NbdLocator, ProviderSession, RestorableDisk } from '@hypersdk/ports';
import { calm, expectRefusal, MemoryEffectJournal, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../build-guest.ts';
import type { Libvirtd } from '../build-libvirtd.ts';
import { freePort } from '../build-sshd.ts';
import { type NetworkLibvirtd, openNetworkLibvirtd } from '../build-network-libvirtd.ts';
import { libvirtProvider } from '../libvirt-provider.ts';
import { makePool } from '../restore/build-pool.ts';
import { FIRST_PORT, LAST_PORT } from './backup-ports.ts';
import { openRoad } from './open-road.ts';

const TIMEOUT_MS = 120_000;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io', 'certtool', 'openssl'))(
  'disks of guests of a libvirt daemon behind sockets of the network',
  { timeout: TIMEOUT_MS },
  () => {
    const opened = new AsyncDisposableStack();
    let journal: MemoryEffectJournal;
    let network: NetworkLibvirtd;
    let daemon: Libvirtd;
    let [copies, runs] = ['', 0];

    beforeAll(async () => {
      copies = await mkdtemp(join(tmpdir(), 'hypersdk-network-exports-'));
      opened.defer(() => rm(copies, { recursive: true }));
      network = opened.use(await openNetworkLibvirtd());
      ({ daemon } = network);
    }, TIMEOUT_MS);
    afterAll(() => opened.disposeAsync());
    beforeEach(() => {
      journal = new MemoryEffectJournal();
    });

    async function openAt(uri: string, config: object = {}): Promise<ProviderSession> {
      const work = { run: `NET${(runs += 1)}`, effects: journal, isRunning: () => false, takeOver: () => {} };
      return await libvirtProvider.open(libvirtProvider.parse({ uri, scratchFolder: daemon.scratch, ...config }), { ...calm, work });
    }

    async function guest(kind: 'deaf' | 'writing', isRunning = true): Promise<string> {
      const name = `guest-${(runs += 1)}`;
      await defineGuest(daemon, { name, kind, disks: ['vda', 'vdb'] });
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 5 3M 7M', diskPath(daemon, name, 'vdb')]);
      if (isRunning) daemon.virsh('start', name);
      return name;
    }

    async function leaseOf({ facets }: ProviderSession, name: string): Promise<ExportLease> {
      const { diskExport }: Partial<Facets> = facets;
      if (!diskExport) throw new Error('The session cannot export.');
      return await diskExport.open(toVMId(daemon.virsh('domuuid', name).trim()), calm);
    }

    const locatorsOf = ({ disks }: ExportLease): readonly NbdLocator[] => disks.flatMap(({ locator }) => (locator.kind === 'nbd' ? [locator] : []));

    /** As our engine copies them, and as QEMU reads both. */
    async function copyAndCompare(lease: ExportLease, name: string): Promise<void> {
      await using transfer = openTransfer({ workers: 1 });
      for (const { disk, locator, mark } of lease.disks) {
        const path = join(copies, `${name}-${disk.id}.qcow2`);
        const settings = { format: 'qcow2', compression: 'none' } as const;
        await transfer.copy(
          {
            source: locator,
            sourceMark: mark,
            path,
            settings,
            digest: 'tree',
            durability: 'none',
            verifyPercent: 100,
            overwrite: false,
            restart: false,
          },
          calm,
        );
        execFileSync('qemu-img', ['compare', '-q', '-U', path, diskPath(daemon, name, disk.id)]);
      }
    }

    async function expectNothingLeft(): Promise<void> {
      expect(await journal.list(calm)).toEqual([]);
      expect(await readdir(daemon.scratch)).toEqual([]);
    }

    test('are read by TLS with the certificates of the connection, and by nobody without', async () => {
      const name = await guest('deaf');
      await using session = await openAt(network.tlsUri);
      {
        await using lease = await leaseOf(session, name);
        const [locator] = locatorsOf(lease);
        expect(locator).toMatchObject({ server: { host: '127.0.0.1' }, tls: { serverName: 'localhost', verifies: true }, allowsPlaintext: false });
        const { tls: _, ...plain } = locator ?? { tls: undefined };
        await using transfer = openTransfer({ workers: 1 });
        await expectRefusal(transfer.digest({ ...plain, allowsPlaintext: true } as BlockLocator, calm), 'nbd/refused', 'nbd/tls-failed', 'nbd/lost');
        await copyAndCompare(lease, name);
        await lease.check(calm);
        // A client that knows the authority and is not known itself is turned away by QEMU.
        const bare = join(copies, 'bare');
        execFileSync('mkdir', ['-p', bare]);
        execFileSync('cp', [join(network.pki, 'cacert.pem'), join(bare, 'ca-cert.pem')]);
        const stranger = { ...plain, tls: { kind: 'certificates', folder: bare, serverName: 'localhost', verifies: true } } as BlockLocator;
        await expectRefusal(transfer.digest(stranger, calm), 'nbd/tls-failed', 'nbd/lost', 'nbd/refused');
      }
      await expectNothingLeft();
      daemon.virsh('destroy', name);
    });

    test('are read of a VM that is off, which is off again afterwards', async () => {
      const name = await guest('deaf', false);
      await using session = await openAt(network.tlsUri);
      {
        await using lease = await leaseOf(session, name);
        expect(lease.consistency).toBe('filesystem');
        await copyAndCompare(lease, name);
      }
      expect(daemon.virsh('domstate', name).trim()).toBe('shut off');
      await expectNothingLeft();
    });

    test('are read without TLS only where that is allowed by name, also on loopback', async () => {
      const name = await guest('deaf');
      await using careful = await openAt(network.tcpUri);
      await expectRefusal(leaseOf(careful, name), 'libvirt/plaintext-refused');
      await using session = await openAt(network.tcpUri, { allowsPlaintext: true });
      {
        await using lease = await leaseOf(session, name);
        await copyAndCompare(lease, name);
      }
      await expectNothingLeft();
      daemon.virsh('destroy', name);
    });

    /** Takes every so-manieth port, where nobody has it already. */
    async function takePorts(step: number): Promise<Disposable> {
      const servers: Server[] = [];
      for (let port = FIRST_PORT; port <= LAST_PORT; port += step) {
        const server = createServer();
        server.listen(port, '127.0.0.1');
        // Somebody else has the port: it is as taken as it is to be.
        await once(server, 'listening').catch(() => {});
        servers.push(server);
      }
      return { [Symbol.dispose]: () => void servers.map((server) => server.close()) };
    }

    test('a port that somebody else has is passed over, and when all are taken that is said', async () => {
      const name = await guest('deaf');
      await using session = await openAt(network.tlsUri);
      {
        using _ = await takePorts(2);
        await using lease = await leaseOf(session, name);
        const { port } = { port: 0, ...locatorsOf(lease)[0]?.server };
        expect((port - FIRST_PORT) % 2).toBe(1);
      }
      {
        using _ = await takePorts(1);
        const refusal = await expectRefusal(leaseOf(session, name), 'nbd/refused');
        expect(refusal.message).toContain(`${FIRST_PORT}-${LAST_PORT}`);
      }
      await expectNothingLeft();
      daemon.virsh('destroy', name);
    });

    test('a port that cannot be reached is told with what to open in the firewall', async () => {
      const transport = { kind: 'tls', host: 'localhost', port: 1, pkiFolder: network.pki } as const;
      const access = { transport, remoteAddress: '127.0.0.1', allowsPlaintext: false };
      const running = { disks: [], port: { address: '127.0.0.1', port: await freePort(), isTls: true } };
      const refusal = await expectRefusal(openRoad(access, running, calm), 'nbd/unreachable');
      expect(refusal.message).toContain(`firewall-cmd --add-port=${FIRST_PORT}-${LAST_PORT}/tcp`);
    });

    test('a QEMU without certificates is told what it lacks, and nothing is left', async () => {
      const name = await guest('deaf');
      await rename(network.qemuPki, `${network.qemuPki}-away`);
      try {
        await using session = await openAt(network.tlsUri);
        const refusal = await expectRefusal(leaseOf(session, name), 'libvirt/tls-failed');
        expect(refusal.message).toContain('backup_tls_x509_cert_dir');
      } finally {
        await rename(`${network.qemuPki}-away`, network.qemuPki);
      }
      await expectNothingLeft();
      daemon.virsh('destroy', name);
    });

    test('an export that was killed goes on at its own moment, over this connection and no other', async () => {
      const name = await guest('deaf');
      const dead = await openAt(network.tlsUri);
      const [before] = locatorsOf(await leaseOf(dead, name));
      await dead[Symbol.asyncDispose]();
      const left = await journal.list(calm);
      {
        await using session = await openAt(network.tlsUri);
        await using lease = await leaseOf(session, name);
        expect(locatorsOf(lease)[0]).toEqual(before);
        await copyAndCompare(lease, name);
      }
      await expectNothingLeft();
      expect(left.map(({ effect }) => effect.kind)).toEqual(['backup-job']);
      const again = await openAt(network.tlsUri);
      await leaseOf(again, name);
      await again[Symbol.asyncDispose]();
      await using other = await openAt(network.tcpUri, { allowsPlaintext: true });
      {
        await using lease = await leaseOf(other, name);
        expect(locatorsOf(lease)[0]?.pointInTime).not.toBe(before?.pointInTime);
      }
      await expectNothingLeft();
      daemon.virsh('destroy', name);
    });

    test('what was killed is found by residue, and taken away, scratch files where their folder is a pool', async () => {
      const name = await guest('deaf');
      await makePool(daemon, 'scratch', daemon.scratch);
      const dead = await openAt(network.tlsUri);
      await leaseOf(dead, name);
      await dead[Symbol.asyncDispose]();
      const effects = (await journal.list(calm)).map(({ effect }) => effect);
      expect(effects.map(({ kind }) => kind)).toEqual(['backup-job', 'scratch-file', 'scratch-file']);
      await using session = await openAt(network.tlsUri);
      const { residue }: Partial<Facets> = session.facets;
      expect(await Array.fromAsync(residue?.find(calm) ?? [])).toEqual(effects.slice(0, 1));
      // A daemon that was killed leaves them.
      const abandoned = effects[1]?.name ?? '';
      expect(await residue?.undo(effects[0] ?? expect.fail(), calm)).toBe(true);
      await writeFile(abandoned, 'left');
      expect(await residue?.undo(effects[1] ?? expect.fail(), calm)).toBe(true);
      expect(await residue?.undo(effects[2] ?? expect.fail(), calm)).toBe(false);
      expect(await readdir(daemon.scratch)).toEqual([]);
      daemon.virsh('pool-destroy', 'scratch');
      const refusal = await expectRefusal(residue?.undo(effects[1] ?? expect.fail(), calm) ?? Promise.resolve(), 'source/forbidden');
      expect(refusal.message).toContain('virsh pool-create-as');
      daemon.virsh('destroy', name);
    });

    test('what was exported over the network is restored over it, in streams of the connection itself', async () => {
      const name = await guest('writing', false);
      await makePool(daemon, 'default');
      for (const [uri, config] of [
        [network.tlsUri, {}],
        [network.tcpUri, {}],
      ] as const) {
        await using session = await openAt(uri, config);
        const { restore, inventory }: Partial<Facets> = session.facets;
        if (!restore) throw new Error('The session cannot restore.');
        const vm = await inventory?.get(toVMId(daemon.virsh('domuuid', name).trim()), calm);
        await using transfer = openTransfer({ workers: 1 });
        const disks: RestorableDisk[] = [];
        for (const disk of vm?.disks ?? []) {
          const source: BlockLocator = { kind: 'image', image: { path: disk.location, format: 'qcow2', references: 'refuse' } };
          disks.push({ disk, source, content: await transfer.digest(source, calm) });
        }
        const request = { vm: vm ?? expect.fail(), disks, name: `${name}-${(runs += 1)}`, identity: 'new', start: true } as const;
        const restored = await restore.run(request, calm);
        daemon.virsh('destroy', restored.vm.name);
        const location = restored.vm.disks[1]?.location ?? '';
        execFileSync('qemu-img', ['compare', '-q', diskPath(daemon, name, 'vdb'), location]);
        expect(await journal.list(calm)).toEqual([]);
      }
    });
  },
);
