import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GIB, MIB } from '@hypersdk/domain';
import type { ServedDisk, ServeRequest } from '@hypersdk/ports';
import { calm, expectEqualBytes, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openTransfer } from '../copy/transfer.ts';
import { imageInspector } from '../inspect/image-inspector.ts';
import { nbdDiskServer } from './nbd-disk-server.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 120_000;
const SIZE = 32 * MIB;

describe.skipIf(missing('qemu-img', 'qemu-io', 'nbdcopy', 'nbdinfo'))('a raw image that is served in place', () => {
  let folder = '';
  const file = (name: string): string => join(folder, name);
  const io = (uri: string, ...commands: readonly string[]) =>
    run('qemu-io', ['-f', 'raw', ...commands.flatMap((command) => ['-c', command]), uri], { timeout: TIMEOUT_MS });
  const serve = (path = file('disk.raw'), change: Partial<ServeRequest> = {}): Promise<ServedDisk> =>
    nbdDiskServer.serve(
      {
        source: { kind: 'image', image: { path, format: 'raw', references: 'refuse' } },
        access: 'in-place',
        exportName: '',
        address: { path: file('server.sock') },
        connectionsMax: 16,
        ...change,
      },
      calm,
    );
  const noise = Buffer.alloc(SIZE);
  for (let at = 0; at < SIZE; at += 4) noise.writeUInt32LE((at * 2_654_435_761) % 2 ** 32, at);

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'in-place-'));
    writeFileSync(file('noise.raw'), noise);
  });
  beforeEach(() => writeFileSync(file('disk.raw'), Buffer.alloc(SIZE, 0x77)));
  afterAll(() => rmSync(folder, { recursive: true }));

  test(
    'takes what qemu-io writes, zeros and discards, at any byte',
    async () => {
      {
        await using served = await serve();
        await io(
          served.uri,
          'write -P 0x11 1000001 54321',
          'write -z 2M 64k',
          'write -z -u 4M 1M',
          'discard 8M 1M',
          'write -f -P 0x22 31M 1M',
          'flush',
        );
      }
      const expected = Buffer.alloc(SIZE, 0x77)
        .fill(0x11, 1_000_001, 1_054_322)
        .fill(0, 2 * MIB, 2 * MIB + 65_536);
      expected
        .fill(0, 4 * MIB, 5 * MIB)
        .fill(0, 8 * MIB, 9 * MIB)
        .fill(0x22, 31 * MIB);
      expectEqualBytes(readFileSync(file('disk.raw')), expected);
      // What may be given back was, and what may not was not.
      expect(Math.floor((statSync(file('disk.raw')).blocks * 512) / MIB)).toBe(SIZE / MIB - 2);
    },
    TIMEOUT_MS,
  );

  test(
    'is written by nbdcopy over several connections, and by qemu-img, holes included',
    async () => {
      await using served = await serve();
      await run('nbdcopy', ['--connections=4', file('noise.raw'), served.uri], { timeout: TIMEOUT_MS });
      expectEqualBytes(readFileSync(file('disk.raw')), noise);
      writeFileSync(file('sparse.raw'), noise.subarray(0, MIB));
      truncateSync(file('sparse.raw'), SIZE);
      await run('qemu-img', ['convert', '-n', '-f', 'raw', '-O', 'raw', file('sparse.raw'), served.uri], { timeout: TIMEOUT_MS });
      expectEqualBytes(readFileSync(file('disk.raw')), readFileSync(file('sparse.raw')));
      const { stdout } = await run('nbdinfo', ['--map', '--json', served.uri], { timeout: TIMEOUT_MS });
      expect(JSON.parse(stdout)).toEqual([expect.objectContaining({ offset: 0, type: 0 }), expect.objectContaining({ type: 3 })]);
    },
    TIMEOUT_MS,
  );

  test(
    'shows to each client at once what another wrote',
    async () => {
      await using served = await serve();
      for (let round = 1; round < 4; round += 1) {
        await io(served.uri, `write -P ${round} ${round}M 1M`);
        await io(served.uri, `read -P ${round} ${round}M 1M`);
      }
    },
    TIMEOUT_MS,
  );

  test(
    'is larger than what 32 bits count, and written behind them',
    async () => {
      writeFileSync(file('large.raw'), '');
      truncateSync(file('large.raw'), 6 * GIB);
      await using served = await serve(file('large.raw'));
      await io(served.uri, 'write -P 0x44 5G 64k', 'write -z -u 3G 1G', 'read -P 0x44 5G 64k', 'flush');
      expect(statSync(file('large.raw')).blocks * 512).toBeLessThan(4 * MIB);
    },
    TIMEOUT_MS,
  );

  test(
    'has one writer: no second server, no copy onto it, no program of QEMU',
    async () => {
      await using served = await serve();
      await expect(serve(file('disk.raw'), { address: { path: file('second.sock') } })).rejects.toMatchObject({ code: 'target/busy' });
      await expect(run('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', file('disk.raw'), file('copy.raw')])).rejects.toThrow('lock');
      await expect(run('qemu-io', ['-f', 'raw', '-c', 'write 0 4k', file('disk.raw')])).rejects.toThrow('lock');
      await using transfer = openTransfer();
      const source = { kind: 'image', image: { path: file('noise.raw'), format: 'raw', references: 'refuse' } } as const;
      const choices = { digest: 'none', durability: 'none', verifyPercent: 100, overwrite: true, restart: false } as const;
      const request = {
        ...choices,
        source,
        sourceMark: await imageInspector.mark(source.image, calm),
        path: file('disk.raw'),
        settings: { format: 'raw' as const },
      };
      await expect(transfer.copy(request, calm)).rejects.toMatchObject({ code: 'target/busy' });
      await io(served.uri, 'read -P 0x77 0 1M');
    },
    TIMEOUT_MS,
  );

  test(
    'is not taken while QEMU has it open, and free again when its server ended',
    async () => {
      const held = execFile('qemu-io', ['-f', 'raw', file('disk.raw')]);
      // Its prompt: it has opened the image.
      await new Promise((resolve) => held.stdout?.once('data', resolve));
      await expect(serve()).rejects.toMatchObject({ code: 'target/busy' });
      held.kill('SIGKILL');
      await new Promise((resolve) => held.once('exit', resolve));
      {
        await using _served = await serve();
      }
      execFileSync('qemu-io', ['-f', 'raw', '-c', 'write 0 4k', file('disk.raw')], { stdio: 'ignore' });
    },
    TIMEOUT_MS,
  );

  test(
    'is not copied under a name while a client writes to it',
    async () => {
      await using served = await serve();
      await using transfer = openTransfer();
      const source = { kind: 'image', image: { path: file('disk.raw'), format: 'raw', references: 'refuse' } } as const;
      const choices = { digest: 'tree', durability: 'none', verifyPercent: 100, overwrite: false, restart: false, rateLimit: 16 * MIB } as const;
      const request = { ...choices, source, path: file('torn.raw'), settings: { format: 'raw' as const } };
      const copying = transfer.copy({ ...request, sourceMark: await imageInspector.mark(source.image, calm) }, calm);
      await Promise.all([expect(copying).rejects.toMatchObject({ code: 'source/changed' }), io(served.uri, 'write -P 0x12 30M 4k', 'flush')]);
      expect(existsSync(file('torn.raw'))).toBe(false);
    },
    TIMEOUT_MS,
  );

  test('of another format, in an archive or on a server is refused with what to do instead', async () => {
    const image = { path: file('disk.qcow2'), format: 'qcow2', references: 'refuse' } as const;
    const refusal = { code: 'usage/invalid', message: expect.stringContaining('with an overlay') };
    await expect(serve('', { source: { kind: 'image', image } })).rejects.toMatchObject(refusal);
    const part = { path: file('a.ova'), format: 'raw', references: 'refuse', slice: { offset: 0, length: 512 } } as const;
    await expect(serve('', { source: { kind: 'image', image: part } })).rejects.toMatchObject(refusal);
    await expect(serve(file('absent.raw'))).rejects.toMatchObject({ code: 'target/not-found' });
  });
});
