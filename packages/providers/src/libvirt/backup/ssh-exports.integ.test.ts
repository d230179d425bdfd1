import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toVMId, type SourceEffect } from '@hypersdk/domain';
import type { ExportLease, Facets, ProviderSession } from '@hypersdk/ports';
import { calm, expectRefusal, MemoryEffectJournal, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../build-guest.ts';
import { type Libvirtd, openLibvirtd } from '../build-libvirtd.ts';
import { openSshd, type Sshd } from '../build-sshd.ts';
import { libvirtProvider } from '../libvirt-provider.ts';

const TIMEOUT_MS = 120_000;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io', 'nbdcopy', 'sshd', 'ssh'))(
  'disks of guests of a libvirt daemon behind SSH',
  { timeout: TIMEOUT_MS },
  () => {
    const opened = new AsyncDisposableStack();
    const journal = new MemoryEffectJournal();
    let [folder, scratch, runs] = ['', '', 0];
    let daemon: Libvirtd;
    let sshd: Sshd;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'hypersdk-ssh-exports-'));
      opened.defer(() => rm(folder, { recursive: true }));
      daemon = opened.use(await openLibvirtd());
      sshd = opened.use(await openSshd(join(folder, 'sshd'), daemon.environment));
      ({ scratch } = daemon);
    }, TIMEOUT_MS);
    afterAll(() => opened.disposeAsync());

    async function openThrough(server: Sshd): Promise<ProviderSession & { readonly run: string; readonly facets: Facets }> {
      const query = new URLSearchParams({ keyfile: server.keyFile, known_hosts: server.knownHosts, socket: daemon.socket });
      const uri = `qemu+ssh://${server.user}@127.0.0.1:${server.port}/session?${query}`;
      const run = `SSH${(runs += 1)}`;
      const work = { run, effects: journal, isRunning: () => false, takeOver: () => {} };
      return { ...(await libvirtProvider.open(libvirtProvider.parse({ uri, scratchFolder: scratch }), { ...calm, work })), run };
    }

    async function leaseOf({ facets }: ProviderSession, name: string): Promise<ExportLease> {
      const id = toVMId(daemon.virsh('domuuid', name).trim());
      if (!facets.diskExport) throw new Error('The session cannot export.');
      return await facets.diskExport.open(id, calm);
    }

    function socketOf(lease: ExportLease): string {
      const locator = lease.disks[0]?.locator;
      if (locator?.kind !== 'nbd' || !('path' in locator.server)) throw new Error('The disk is not at a socket.');
      return locator.server.path;
    }

    function copyAndCompare(lease: ExportLease, name: string): void {
      const copy = join(folder, `${(runs += 1)}.raw`);
      execFileSync('nbdcopy', [`nbd+unix:///vda?socket=${socketOf(lease)}`, copy]);
      execFileSync('qemu-img', ['compare', '-q', '-U', '-f', 'raw', '-F', 'qcow2', copy, diskPath(daemon, name, 'vda')]);
    }

    /** The ssh that carries the socket, by what it was started with. */
    async function forwarderOf(socket: string): Promise<number | undefined> {
      for (const name of await readdir('/proc')) {
        const line = /^\d+$/.test(name) ? await readFile(`/proc/${name}/cmdline`, 'latin1').catch(() => '') : '';
        if (line.startsWith('ssh\0') && line.includes(`${socket}:`)) return Number(name);
      }
      return undefined;
    }

    async function guest(name: string): Promise<void> {
      await defineGuest(daemon, { name, kind: 'deaf' });
      daemon.virsh('start', name);
    }

    test('they are read through a forwarding that only this user can use, and that ends with the lease', async () => {
      await guest('far');
      await using session = await openThrough(sshd);
      const lease = await leaseOf(session, 'far');
      const socket = socketOf(lease);
      expect(socket).not.toContain(scratch);
      copyAndCompare(lease, 'far');
      await lease.check(calm);
      await lease[Symbol.asyncDispose]();
      for (let tries = 0; tries < 100 && (await forwarderOf(socket)) !== undefined; tries += 1) await delay(50);
      expect(await forwarderOf(socket)).toBeUndefined();
      expect(await readdir(join(socket, '../..'))).not.toContain(socket.split('/').at(-2));
      expect(await readdir(scratch)).toEqual([]);
      expect(await journal.list(calm)).toEqual([]);
    });

    test('a forwarding that breaks is made anew', async () => {
      await guest('broken');
      await using session = await openThrough(sshd);
      await using lease = await leaseOf(session, 'broken');
      const forwarder = await forwarderOf(socketOf(lease));
      if (forwarder === undefined) throw new Error('There is no forwarding.');
      process.kill(forwarder, 'SIGKILL');
      await delay(200);
      await expectRefusal(lease.check(calm), 'libvirt/lost', 'libvirt/unreachable');
      for (
        let tries = 0;
        tries < 200 &&
        !(await lease.check(calm).then(
          () => true,
          () => false,
        ));
        tries += 1
      )
        await delay(50);
      copyAndCompare(lease, 'broken');
    });

    test('a server that does not forward sockets is told of, and nothing is left', async () => {
      await guest('closed');
      await using closed = await openSshd(join(folder, 'closed'), daemon.environment, ['AllowStreamLocalForwarding no']);
      await using session = await openThrough(closed);
      const refusal = await expectRefusal(leaseOf(session, 'closed'), 'libvirt/forbidden');
      expect(refusal.message).toContain('AllowStreamLocalForwarding');
      expect(await readdir(scratch)).toEqual([]);
      expect(await journal.list(calm)).toEqual([]);
    });

    test('a file that a dead QEMU left there is taken away over there', async () => {
      await guest('left');
      await using session = await openThrough(sshd);
      const id = toVMId(daemon.virsh('domuuid', 'left').trim());
      const path = join(scratch, `hypersdk-OLD-${id.slice(0, 8)}-vda.scratch`);
      await writeFile(path, 'x');
      const effect: Omit<SourceEffect, 'name'> = { run: 'OLD', provider: 'libvirt', connection: 'far' as never, vm: id, kind: 'scratch-file' };
      const { residue } = session.facets;
      expect(await residue?.undo({ ...effect, name: path }, calm)).toBe(true);
      expect(await residue?.undo({ ...effect, name: path }, calm)).toBe(false);
      await writeFile(join(scratch, 'theirs'), 'x');
      expect(await residue?.undo({ ...effect, name: join(scratch, 'theirs') }, calm)).toBe(false);
      expect(await readdir(scratch)).toEqual(['theirs']);
      await rm(join(scratch, 'theirs'));
    });
  },
);
