import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nbdDisks } from '@hypersdk/disk';
import { MIB, toVMId } from '@hypersdk/domain';
import { calm, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { nbdProvider } from './address-provider.ts';

const TIMEOUT_MS = 60_000;

describe.skipIf(missing('qemu-img', 'qemu-nbd'))('exports of a server as disks of a VM', () => {
  const folder = mkdtempSync(join(tmpdir(), 'addresses-'));
  const sockets = ['a', 'b'].map((name) => join(folder, `${name}.sock`));
  const servers: ChildProcess[] = [];
  const addresses = sockets.map((socket) => `nbd+unix:///disk-of-it?socket=${socket}`);
  const provider = nbdProvider(nbdDisks);
  const open = (pointInTime: string) => provider.open(provider.parse({ vms: [{ name: 'web-01', disks: addresses }], pointInTime }), calm);

  beforeAll(async () => {
    for (const socket of sockets) {
      const image = socket.replace('.sock', '.qcow2');
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, '8M']);
      servers.push(spawn('qemu-nbd', ['-r', '-t', '-e', '8', '-f', 'qcow2', '-x', 'disk-of-it', '-k', socket, image], { stdio: 'ignore' }));
    }
    await vi.waitUntil(() => sockets.every((socket) => existsSync(socket)), { timeout: TIMEOUT_MS });
  }, TIMEOUT_MS);
  afterAll(() => {
    for (const server of servers) server.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  test(
    'are described by their servers',
    async () => {
      await using session = await open('monday');
      const [vm, ...others] = await Array.fromAsync(session.facets.inventory.list(calm));
      expect(others).toEqual([]);
      expect(vm).toMatchObject({ name: 'web-01', provider: 'nbd', disks: [{ virtualSize: 8 * MIB, format: 'raw', label: 'disk-of-it' }, {}] });
      expect(vm && (await session.facets.inventory.get(vm.id, calm))).toEqual(vm);
      await expect(session.facets.inventory.get(toVMId('other'), calm)).rejects.toMatchObject({ code: 'vm/not-found' });
    },
    TIMEOUT_MS,
  );

  test(
    'are held with a mark that is the same at the same point in time only',
    async () => {
      const markedAt = async (pointInTime: string): Promise<readonly string[]> => {
        await using session = await open(pointInTime);
        const [vm] = await Array.fromAsync(session.facets.inventory.list(calm));
        await using lease = await session.facets.diskExport?.open(vm?.id ?? toVMId(''), calm);
        await lease?.check(calm);
        return lease?.disks.map(({ mark }) => mark) ?? [];
      };
      const monday = await markedAt('monday');
      expect(monday).toHaveLength(2);
      expect(await markedAt('monday')).toEqual(monday);
      expect(await markedAt('tuesday')).not.toEqual(monday);
    },
    TIMEOUT_MS,
  );
});
