import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB } from '@hypersdk/domain';
import type { BlockLocator, FillOutcome, FillRequest, NbdLocator } from '@hypersdk/ports';
import { calm, expectEqualBytes, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageInspector } from '../inspect/image-inspector.ts';
import { buildSecrets, openCutter, startPeer } from '../remote/build-nbd-peers.ts';
import { nbdDisks } from '../remote/nbd-disks.ts';
import { nbdDiskServer } from '../serve/nbd-disk-server.ts';
import { openTransfer } from './transfer.ts';

const TIMEOUT_MS = 120_000;
/** Three leaves and a bit, with holes; no multiple of more than 512. */
const SIZE = 13 * MIB + 512;

describe.skipIf(missing('nbdkit', 'qemu-nbd', 'qemu-img'))('an export is filled', () => {
  const transfer = openTransfer({ workers: 2 });
  const content = Buffer.alloc(SIZE);
  let folder = '';
  let made = 0;
  const file = (name: string): string => join(folder, name);
  const nextSocket = (): string => file(`${(made += 1)}.sock`);
  const locate = (uri: string): NbdLocator => {
    made += 1;
    return nbdDisks.locate(uri, { allowsPlaintext: false, pointInTime: `p${made}` }) ?? expect.fail(`${uri} is no address.`);
  };
  const at = (socket: string): NbdLocator => locate(`nbd+unix:///?socket=${socket}`);
  const source = (format: 'raw' | 'qcow2' = 'qcow2') =>
    ({ kind: 'image', image: { path: file(`disk.${format}`), format, references: 'refuse' } }) as const satisfies BlockLocator;
  const fill = async (target: NbdLocator, change: Partial<FillRequest> = {}): Promise<FillOutcome> =>
    transfer.fill(
      { source: source(), sourceMark: await imageInspector.mark(source().image, calm), target, digest: 'tree', overwrite: false, ...change },
      calm,
    );
  const read = (socket: string): Buffer => {
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'raw', `nbd+unix:///?socket=${socket}`, file('read.raw')]);
    return readFileSync(file('read.raw'));
  };
  const expectFilled = (bytes: Buffer): void => {
    expectEqualBytes(bytes.subarray(0, SIZE), content);
    expect(bytes.subarray(SIZE).every((byte) => byte === 0)).toBe(true);
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fill-'));
    for (const [offset, length] of [
      [0, 3 * MIB],
      [5 * MIB + 4096, 70_000],
      [9 * MIB, MIB],
      [SIZE - 700, 700],
    ] as const) {
      for (let byte = offset; byte < offset + length; byte += 1) content[byte] = (byte * 2_654_435_761) % 251;
    }
    writeFileSync(file('disk.raw'), content);
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', file('disk.raw'), file('disk.qcow2')]);
  });
  afterAll(async () => {
    await transfer[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['memory', ['memory', '20M']],
    ['memory of the very size', ['memory', String(SIZE)]],
    ['memory that says nothing of its zeros', ['--filter=nozero', 'memory', '20M']],
    ['a server without structured replies', ['--no-sr', 'memory', '20M']],
    ['a server with one connection at a time', ['--filter=noparallel', '--filter=multi-conn', 'memory', '20M', 'multi-conn-mode=disable']],
    [
      'blocks of 4 KiB',
      [
        '--filter=blocksize-policy',
        'memory',
        '20M',
        'blocksize-minimum=4096',
        'blocksize-preferred=65536',
        'blocksize-maximum=1M',
        'blocksize-error-policy=error',
      ],
    ],
    ['a server that is slow', ['--filter=delay', 'memory', '20M', 'rdelay=5ms', 'wdelay=5ms']],
    [
      'a server whose every tenth write fails',
      ['--filter=error', 'memory', '20M', 'error-pwrite-rate=10%', 'error-pread-rate=2%', 'error-zero-rate=5%', 'error-file=ERRORS'],
    ],
  ])(
    'in nbdkit: %s',
    async (_name, args) => {
      const socket = nextSocket();
      // While this file is there, the server fails as it was told to; whoever looks at the outcome is not to be hit.
      const errors = file('errors');
      writeFileSync(errors, '');
      await using _peer = await startPeer('nbdkit', ['-f', '-U', socket, ...args.map((arg) => arg.replace('ERRORS', errors))], socket);
      const outcome = await fill(at(socket));
      rmSync(errors);
      expect(outcome).toMatchObject({ virtualSize: SIZE, leavesChecked: expect.any(Number) });
      expect(outcome.leavesChecked).toBeGreaterThan(2);
      expectFilled(read(socket));
    },
    TIMEOUT_MS,
  );

  test.each(['raw', 'qcow2'])(
    'in qemu-nbd over %s, and the image is whole afterwards',
    async (format) => {
      const [socket, image] = [nextSocket(), file(`target.${format}`)];
      execFileSync('qemu-img', ['create', '-q', '-f', format, image, '20M']);
      {
        await using _peer = await startPeer('qemu-nbd', ['-t', '-e', '4', '-f', format, '-k', socket, image], socket);
        await fill(at(socket));
      }
      execFileSync('qemu-img', ['convert', '-f', format, '-O', 'raw', '-U', image, file('whole.raw')]);
      expectFilled(readFileSync(file('whole.raw')));
    },
    TIMEOUT_MS,
  );

  test(
    'in our own server, in place, after it was asked to overwrite what is there',
    async () => {
      writeFileSync(file('ours.raw'), Buffer.alloc(16 * MIB, 0x55));
      const image = { path: file('ours.raw'), format: 'raw', references: 'refuse' } as const;
      const request = {
        source: { kind: 'image', image },
        access: 'in-place',
        exportName: 'x',
        address: { path: nextSocket() },
        connectionsMax: 8,
      } as const;
      {
        await using served = await nbdDiskServer.serve(request, calm);
        await expect(fill(locate(served.uri))).rejects.toMatchObject({ code: 'target/exists' });
        expect(readFileSync(file('ours.raw')).every((byte) => byte === 0x55)).toBe(true);
        await fill(locate(served.uri), { overwrite: true });
      }
      expectFilled(readFileSync(file('ours.raw')));
    },
    TIMEOUT_MS,
  );

  test.skipIf(missing('openssl'))(
    'under TLS with a key that both know',
    async () => {
      buildSecrets(file('secrets'));
      writeFileSync(file('secret.raw'), '');
      truncateSync(file('secret.raw'), 14 * MIB);
      const image = { path: file('secret.raw'), format: 'raw', references: 'refuse' } as const;
      const keys = file('secrets/keys.psk');
      await using served = await nbdDiskServer.serve(
        {
          source: { kind: 'image', image },
          access: 'in-place',
          exportName: 'x',
          address: { host: '127.0.0.1', port: 0 },
          connectionsMax: 8,
          tls: { kind: 'psk', file: keys },
        },
        calm,
      );
      const port = /:(\d+)\//.exec(served.uri)?.[1] ?? '';
      await expect(fill(locate(`nbd://127.0.0.1:${port}/x`))).rejects.toMatchObject({ code: 'nbd/refused' });
      await fill(locate(`nbds://alice@127.0.0.1:${port}/x?tls-psk-file=${keys}`));
      expectFilled(readFileSync(file('secret.raw')));
    },
    TIMEOUT_MS,
  );

  test(
    'over connections that break among the writes and in reading back',
    async () => {
      const [socket, image] = [nextSocket(), file('cut.raw')];
      execFileSync('qemu-img', ['create', '-q', '-f', 'raw', image, '20M']);
      // nbdkit ends itself when a connection breaks in the middle of an answer.
      await using _peer = await startPeer('qemu-nbd', ['-t', '-e', '8', '-f', 'raw', '-k', socket, image], socket);
      // Of what the server answers: reading back is cut, and so are the words between writes.
      let budget = 300;
      await using cutter = await openCutter(socket, () => (budget = budget < 1000 ? budget + 150 : 1_000_000));
      await fill(locate(`nbd://127.0.0.1:${cutter.port}/`));
      expect(cutter.cuts).toBeGreaterThan(1);
      expectFilled(read(socket));
    },
    TIMEOUT_MS,
  );

  test(
    'that holds zeros only counts as empty, also where its server says data',
    async () => {
      const socket = nextSocket();
      writeFileSync(file('zeros.raw'), Buffer.alloc(20 * MIB));
      await using _peer = await startPeer('nbdkit', ['-f', '-U', socket, '--filter=noextents', 'file', file('zeros.raw')], socket);
      await fill(at(socket));
      expectFilled(readFileSync(file('zeros.raw')));
    },
    TIMEOUT_MS,
  );

  test(
    'never where it is too small, read-only, not empty, full, or lies about what it took',
    async () => {
      const refused = async (args: readonly string[], code: string): Promise<void> => {
        const socket = nextSocket();
        await using _peer = await startPeer('nbdkit', ['-f', '-U', socket, ...args], socket);
        await expect(fill(at(socket)), args.join(' ')).rejects.toMatchObject({ code });
      };
      await refused(['memory', '8M'], 'target/full');
      await refused(['-r', 'memory', '20M'], 'target/read-only');
      await refused(['pattern', '20M'], 'target/read-only');
      writeFileSync(file('full.raw'), Buffer.alloc(16 * MIB, 1));
      await refused(['file', file('full.raw')], 'target/exists');
      await refused(['--filter=error', 'memory', '20M', 'error-pwrite=ENOSPC', 'error-pwrite-rate=100%'], 'target/full');
      await refused(['null', '20M'], 'verify/mismatch');
    },
    TIMEOUT_MS,
  );

  test('without a proof when none is wanted', async () => {
    const socket = nextSocket();
    await using _peer = await startPeer('nbdkit', ['-f', '-U', socket, 'memory', '20M'], socket);
    const outcome = await fill(at(socket), { digest: 'none' });
    expect(outcome).toMatchObject({ leavesChecked: 0 });
    expect(outcome).not.toHaveProperty('content');
    expectFilled(read(socket));
  });
});
