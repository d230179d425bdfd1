import { calm, expectEqualBytes, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NbdBench, TIMEOUT_MS } from './build-nbd-bench.ts';
import { startPeer } from './build-nbd-peers.ts';

/** More movers than these servers have room for. */
const bench = new NbdBench({ workers: 6 });
const { file, locate, nextSocket } = bench;

beforeAll(async () => {
  bench.build();
  // All movers start here, so that the tests time only what servers make them wait for.
  await bench.transfer.digest({ kind: 'image', image: { path: file('disk.raw'), format: 'raw', references: 'refuse' } }, calm);
}, TIMEOUT_MS);
afterAll(() => bench[Symbol.asyncDispose]());

/** Nobody waits until a connection that is not answered is given up: that is 20 s. */
const SOON_MS = 15_000;

describe.skipIf(missing('nbdkit', 'qemu-nbd', 'qemu-img'))(
  'a server that serves fewer clients than there are movers is read by those that it takes:',
  () => {
    const kit = (limit: number): readonly [string, ...string[]] => [
      'nbdkit',
      '-f',
      '-U',
      'SOCKET',
      '--filter=limit',
      'file',
      file('disk.raw'),
      `limit=${limit}`,
    ];
    const qemu = (shared: number): readonly [string, ...string[]] => [
      'qemu-nbd',
      '-k',
      'SOCKET',
      '-f',
      'raw',
      '-r',
      '-t',
      '-e',
      `${shared}`,
      file('disk.raw'),
    ];

    test.each([
      ['nbdkit, which hangs up on the second', kit(1)],
      ['nbdkit, which hangs up on the third', kit(2)],
      ['qemu-nbd, which leaves the third waiting', qemu(2)],
      ['qemu-nbd, which leaves the fourth waiting', qemu(3)],
    ] as const)(
      '%s',
      async (_name, [program, ...args]) => {
        const socket = nextSocket();
        await using _peer = await startPeer(
          program,
          args.map((word) => word.replace('SOCKET', socket)),
          socket,
        );
        const begun = performance.now();
        const { bytes } = await bench.copy(locate(`nbd+unix:///?socket=${socket}`), { digest: 'tree' });
        expect(performance.now() - begun).toBeLessThan(SOON_MS);
        expectEqualBytes(bytes, bench.content);
      },
      TIMEOUT_MS,
    );
  },
);
