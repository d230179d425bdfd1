import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MIB } from '@hypersdk/domain';
import type { BlockLocator, ServedDisk, ServeRequest } from '@hypersdk/ports';
import { calm, expectEqualBytes, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startNginx, type Nginx } from '../remote/http/build-nginx.ts';
import { webImages } from '../remote/http/web-images.ts';
import { nbdDisks } from '../remote/nbd-disks.ts';
import { nbdDiskServer } from './nbd-disk-server.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 120_000;
const SIZE = 24 * MIB;

describe.skipIf(missing('nginx', 'openssl', 'qemu-img', 'qemu-io', 'nbdcopy', 'nbdinfo'))('a disk that lies on another server', () => {
  let nginx: Nginx;
  const content = Buffer.alloc(SIZE);
  const file = (name: string): string => join(nginx.folder, name);
  const serve = (source: BlockLocator, change: Partial<ServeRequest> = {}): Promise<ServedDisk> =>
    nbdDiskServer.serve({ source, access: 'read-only', exportName: '', address: { path: file('gate.sock') }, connectionsMax: 16, ...change }, calm);
  const copyOf = async (uri: string): Promise<Buffer> => {
    await run('nbdcopy', [uri, file('copy.raw')], { timeout: TIMEOUT_MS });
    return readFileSync(file('copy.raw'));
  };
  const onWeb = async (name: string): Promise<BlockLocator> => {
    const located = await webImages.locate(`${nginx.http}/${name}`, calm);
    return located ?? expect.fail('This is no address.');
  };

  beforeAll(async () => {
    nginx = await startNginx();
    for (const at of [0, 3, 4, 17]) randomBytes(MIB - 512).copy(content, at * MIB + 512);
    writeFileSync(file('disk.raw'), content);
    for (const format of ['qcow2', 'vmdk'])
      execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, file('disk.raw'), file(`disk.${format}`)]);
  }, TIMEOUT_MS);
  afterAll(() => nginx[Symbol.asyncDispose]());

  test.each(['raw', 'qcow2', 'vmdk'])(
    'as %s on a web server is served over NBD',
    async (format) => {
      await using served = await serve(await onWeb(`disk.${format}`));
      expect(served.virtualSize).toBe(SIZE);
      expectEqualBytes(await copyOf(served.uri), content);
      await expect(run('qemu-io', ['-f', 'raw', '-c', 'write 0 4k', served.uri], { timeout: TIMEOUT_MS })).rejects.toThrow();
    },
    TIMEOUT_MS,
  );

  test(
    'takes writes under an overlay that are dropped',
    async () => {
      await using served = await serve(await onWeb('disk.qcow2'), { access: 'overlay' });
      await run('qemu-io', ['-f', 'raw', '-c', 'write -P 0x5a 3145000 70000', served.uri], { timeout: TIMEOUT_MS });
      expectEqualBytes(await copyOf(served.uri), Buffer.from(content).fill(0x5a, 3_145_000, 3_215_000));
    },
    TIMEOUT_MS,
  );

  test(
    'behind another NBD server is passed on with its holes',
    async () => {
      await using origin = await serve(await onWeb('disk.qcow2'), { address: { path: file('origin.sock') } });
      const source = nbdDisks.locate(origin.uri, { allowsPlaintext: false, pointInTime: 'now' });
      if (!source) return expect.fail('This is no address.');
      await using served = await serve(source, { address: { host: '127.0.0.1', port: 0 } });
      expectEqualBytes(await copyOf(served.uri), content);
      const { stdout } = await run('nbdinfo', ['--map', '--json', served.uri], { timeout: TIMEOUT_MS });
      const map: readonly { readonly type: number }[] = JSON.parse(stdout);
      expect(map.some(({ type }) => type !== 0)).toBe(true);
    },
    TIMEOUT_MS,
  );

  test('that cannot be reached is refused before anybody can connect', async () => {
    const source = nbdDisks.locate(`nbd+unix:///?socket=${file('nobody.sock')}`, { allowsPlaintext: false, pointInTime: 'now' });
    await expect(source && serve(source)).rejects.toMatchObject({ code: 'nbd/unreachable' });
  });
});
