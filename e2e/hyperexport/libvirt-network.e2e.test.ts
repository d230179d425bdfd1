import { execFileSync } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../../packages/providers/src/libvirt/build-guest.ts';
import { type NetworkLibvirtd, openNetworkLibvirtd } from '../../packages/providers/src/libvirt/build-network-libvirtd.ts';
import { run, type Ended } from './program.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const TIMEOUT_MS = 300_000;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io', 'certtool', 'openssl'))(
  'exports from a libvirt daemon on the network',
  { timeout: TIMEOUT_MS },
  () => {
    const opened = new AsyncDisposableStack();
    let network: NetworkLibvirtd;
    let workshop: Workshop;

    beforeAll(async () => {
      network = opened.use(await openNetworkLibvirtd());
      workshop = opened.use(await openWorkshop());
      const { daemon } = network;
      await defineGuest(daemon, { name: 'web-01', kind: 'deaf', disks: ['vda', 'vdb'] });
      execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 9 1M 20M', diskPath(daemon, 'web-01', 'vdb')]);
      daemon.virsh('start', 'web-01');
    }, TIMEOUT_MS);
    afterAll(() => opened.disposeAsync());

    async function exported(uri: string, target: string, ...flags: readonly string[]): Promise<Ended> {
      await mkdir(workshop.path(target), { recursive: true });
      const line = ['export', uri, 'web-01', '--to', workshop.path(target), '--scratch', network.daemon.scratch, ...flags];
      return await run(line, { state: workshop.state });
    }

    async function expectSame(target: string, link: string): Promise<void> {
      const folder = join(workshop.path(target), link);
      const verified = await run(['verify', folder], { state: workshop.state });
      expect(verified.code, verified.stderr).toBe(0);
      for (const [at, disk] of ['vda', 'vdb'].entries())
        execFileSync('qemu-img', ['compare', '-q', '-U', join(folder, `disk-${at}.qcow2`), diskPath(network.daemon, 'web-01', disk)]);
    }

    async function expectNothingLeft(uri: string, ...flags: readonly string[]): Promise<void> {
      const { code, stdout } = await run(['residue', uri, '--json', ...flags], { state: workshop.state });
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ removed: [], absent: [], unknown: [], failed: [] });
      expect(await readdir(network.daemon.scratch)).toEqual([]);
    }

    test('in plain text when that is allowed by name, and else with a sentence that says how', async () => {
      const refused = await exported(network.tcpUri, 'tcp');
      expect(refused.code).toBe(77);
      expect(refused.stderr).toContain('--allow-plaintext');
      const { code, stderr } = await exported(network.tcpUri, 'tcp', '--allow-plaintext');
      expect(code, stderr).toBe(0);
      await expectSame('tcp', 'web-01');
      await expectNothingLeft(network.tcpUri, '--allow-plaintext');
    });

    test('by TLS, in full and by what changed since', async () => {
      for (const link of ['web-01', 'web-01.0001']) {
        const { code, stderr } = await exported(network.tlsUri, 'tls', '--incremental');
        expect(code, stderr).toBe(0);
        await expectSame('tls', link);
      }
      await expectNothingLeft(network.tlsUri);
    });
  },
);
