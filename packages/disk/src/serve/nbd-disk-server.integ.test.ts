import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KIB, MIB } from '@hypersdk/domain';
import type { ServedDisk, ServeRequest } from '@hypersdk/ports';
import { calm, expectEqualBytes, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nbdDiskServer } from './nbd-disk-server.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;
const FORMATS = ['raw', 'qcow2', 'vmdk'] as const;
const SIZE = 16 * MIB;

let folder = '';
const file = (name: string): string => join(folder, name);
const content = Buffer.alloc(SIZE);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'serve-'));
  content.fill('all work and no play ', MIB, 3 * MIB);
  content.fill('makes jack a dull boy ', 9 * MIB + 512, 10 * MIB);
  writeFileSync(file('full.raw'), content);
  for (const format of FORMATS) execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, file('full.raw'), file(`disk.${format}`)]);
}, TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true }));

function serve(format: (typeof FORMATS)[number], change: Partial<ServeRequest> = {}): Promise<ServedDisk> {
  const image = { path: file(`disk.${format}`), format, references: 'refuse' } as const;
  return nbdDiskServer.serve(
    {
      source: { kind: 'image', image },
      access: 'read-only',
      exportName: 'disk',
      address: { path: file('server.sock') },
      connectionsMax: 16,
      ...change,
    },
    calm,
  );
}

const lines = async (program: string, ...args: readonly string[]): Promise<string> => (await run(program, args, { timeout: TIMEOUT_MS })).stdout;

describe.skipIf(missing('qemu-img', 'qemu-io', 'nbdcopy', 'nbdinfo'))('a served image', () => {
  test.each(FORMATS)(
    'of %s is read by nbdcopy and qemu-img, and mapped as it is',
    async (format) => {
      await using served = await serve(format);
      await run('nbdcopy', [served.uri, file('copy.raw')], { timeout: TIMEOUT_MS });
      expectEqualBytes(readFileSync(file('copy.raw')), content);
      expect(await lines('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', served.uri, file('disk.raw'))).toContain('identical');
      const map: readonly { offset: number; length: number; type: number }[] = JSON.parse(await lines('nbdinfo', '--map', '--json', served.uri));
      let at = 0;
      for (const { offset, length, type } of map) {
        expect(offset).toBe(at);
        at += length;
        if (type !== 0) expect(content.subarray(offset, at).every((byte) => byte === 0)).toBe(true);
      }
      expect(at).toBe(SIZE);
      expect(map.length).toBeGreaterThan(2);
    },
    TIMEOUT_MS,
  );

  test(
    'says what it is, and under which name',
    async () => {
      await using served = await serve('qcow2', { exportName: 'web 01' });
      expect(served).toMatchObject({ virtualSize: SIZE, uri: `nbd+unix:///web%2001?socket=${file('server.sock')}` });
      const listed = await lines('nbdinfo', '--list', '--json', `nbd+unix:///?socket=${file('server.sock')}`);
      expect(JSON.parse(listed)).toMatchObject({
        exports: [{ 'export-name': 'web 01', 'export-size': SIZE, is_read_only: true, can_multi_conn: true }],
      });
      await expect(lines('nbdinfo', `nbd+unix:///other?socket=${file('server.sock')}`)).rejects.toThrow('No such file or directory');
    },
    TIMEOUT_MS,
  );

  test(
    'refuses writes, and keeps its file',
    async () => {
      const before = readFileSync(file('disk.qcow2'));
      await using served = await serve('qcow2');
      await expect(lines('qemu-io', '-f', 'raw', '-c', 'write -P 1 0 4k', served.uri)).rejects.toThrow();
      expectEqualBytes(readFileSync(file('disk.qcow2')), before);
    },
    TIMEOUT_MS,
  );

  test(
    'under an overlay takes writes of all kinds, shows them to every client, and drops them',
    async () => {
      const before = readFileSync(file('disk.qcow2'));
      {
        await using served = await serve('qcow2', { access: 'overlay' });
        const io = [
          'write -P 0x11 1000001 54321',
          'write -z 2M 64k',
          'write -z 9437000 4001',
          'discard 9961472 4096',
          'write -P 0x22 15M 1M',
          'flush',
        ];
        await lines('qemu-io', '-f', 'raw', ...io.flatMap((command) => ['-c', command]), served.uri);
        const expected = Buffer.from(content)
          .fill(0x11, 1_000_001, 1_054_322)
          .fill(0, 2 * MIB, 2 * MIB + 64 * KIB)
          .fill(0, 9_437_000, 9_441_001);
        expected.fill(0, 9_961_472, 9_965_568).fill(0x22, 15 * MIB, SIZE);
        await run('nbdcopy', [served.uri, file('written.raw')], { timeout: TIMEOUT_MS });
        expectEqualBytes(readFileSync(file('written.raw')), expected);
      }
      expectEqualBytes(readFileSync(file('disk.qcow2')), before);
      await using again = await serve('qcow2', { access: 'overlay' });
      await run('nbdcopy', [again.uri, file('again.raw')], { timeout: TIMEOUT_MS });
      expectEqualBytes(readFileSync(file('again.raw')), content);
    },
    TIMEOUT_MS,
  );

  test(
    'is copied into by nbdcopy over several connections',
    async () => {
      const noise = Buffer.alloc(SIZE);
      for (let at = 0; at < SIZE; at += 4) noise.writeUInt32LE((at * 2_654_435_761) % 2 ** 32, at);
      writeFileSync(file('noise.raw'), noise);
      await using served = await serve('qcow2', { access: 'overlay' });
      await run('nbdcopy', ['--connections=4', file('noise.raw'), served.uri], { timeout: TIMEOUT_MS });
      expect(await lines('qemu-img', 'compare', '-f', 'raw', '-F', 'raw', served.uri, file('noise.raw'))).toContain('identical');
    },
    TIMEOUT_MS,
  );

  test('an image that is refused is refused before anybody can connect', async () => {
    writeFileSync(file('disk.vmdk.bad'), 'KDMV');
    const image = { path: file('disk.vmdk.bad'), format: 'vmdk', references: 'refuse' } as const;
    await expect(serve('vmdk', { source: { kind: 'image', image } })).rejects.toMatchObject({ code: 'image/malformed' });
    expect(existsSync(file('server.sock'))).toBe(false);
  });

  test('a socket that somebody listens at is not taken over, an abandoned one is, and a file never', async () => {
    await using _served = await serve('raw');
    await expect(serve('raw')).rejects.toMatchObject({ code: 'nbd/unreachable' });
    writeFileSync(file('precious'), 'mine');
    await expect(serve('raw', { address: { path: file('precious') } })).rejects.toMatchObject({ code: 'nbd/unreachable' });
    expect(readFileSync(file('precious'), 'utf8')).toBe('mine');
  });

  test('the socket is gone at the end', async () => {
    {
      await using _served = await serve('raw');
      expect(existsSync(file('server.sock'))).toBe(true);
    }
    expect(existsSync(file('server.sock'))).toBe(false);
  });

  test('clients beyond the limit are hung up on, the others served', async () => {
    await using served = await serve('raw', { connectionsMax: 2 });
    const idle = [0, 1].map(() => connect({ path: file('server.sock') }));
    await Promise.all(idle.map((socket) => new Promise((greeted) => socket.once('data', greeted))));
    await expect(lines('nbdinfo', served.uri)).rejects.toThrow();
    for (const socket of idle) socket.destroy();
    await expect.poll(() => lines('nbdinfo', '--size', served.uri).catch(() => ''), { timeout: 10_000 }).toBe(`${SIZE}\n`);
  });
});
