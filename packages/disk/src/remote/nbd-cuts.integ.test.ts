import { rmSync, writeFileSync } from 'node:fs';
import { MIB } from '@hypersdk/domain';
import type { CopyOutcome, CopyProgress, NbdLocator, Watch } from '@hypersdk/ports';
import { calm, expectEqualBytes, missing, seededRandom } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NbdBench, TIMEOUT_MS } from './build-nbd-bench.ts';
import { openCutter, startPeer } from './build-nbd-peers.ts';
import { nbdDisks } from './nbd-disks.ts';
import { NbdLink } from './nbd-link.ts';
import { toWish } from './open-nbd-disk.ts';

const bench = new NbdBench();
const { file, locate, nextSocket } = bench;
const copy = (source: NbdLocator): ReturnType<NbdBench['copy']> => bench.copy(source);

beforeAll(() => bench.build(), TIMEOUT_MS);
afterAll(() => bench[Symbol.asyncDispose]());

const readBlock = (link: NbdLink): Promise<void> => {
  const room = Buffer.alloc(4096);
  return link.read({ offset: 0, length: room.length }, () => room, calm);
};

describe.skipIf(missing('qemu-nbd', 'qemu-img'))('a connection that is cut', () => {
  /** Requests under way on one connection, of 256 KiB each: what is asked for again after a cut. */
  const UNDER_WAY = 8 * MIB;
  const DATA = 12 * MIB;
  /** One connection in five is cut before its first answer; ten of those in a row, which count as a server that is gone, do not happen. */
  const CUT_MAX = 1_400_000;
  // nbdkit 1.32 ends itself when a client leaves in the middle of several answers.
  const startServer = (socket: string): Promise<AsyncDisposable> =>
    startPeer('qemu-nbd', ['-k', socket, '-f', 'raw', '-r', '-t', '-e', '64', file('disk.raw')], socket);

  test.each([1, 2, 3])(
    'at random offsets costs no more than what was under way, seed %i',
    async (seed) => {
      const socket = nextSocket();
      const random = seededRandom(seed);
      await using _peer = await startServer(socket);
      await using cutter = await openCutter(socket, () => 1 + Math.floor(random() * CUT_MAX));
      const { bytes } = await copy(locate(`nbd://127.0.0.1:${cutter.port}/`));
      expectEqualBytes(bytes, bench.content);
      expect(cutter.cuts).toBeGreaterThan(12);
      expect(cutter.passed).toBeLessThan(DATA + cutter.cuts * UNDER_WAY);
    },
    TIMEOUT_MS,
  );

  test(
    'for good is said to be, after as many tries as there are waits',
    async () => {
      const socket = nextSocket();
      const peer = await startServer(socket);
      using link = await NbdLink.open(await toWish(locate(`nbd+unix:///?socket=${socket}`)), { ...calm, waitsMs: [0, 10, 20] });
      await readBlock(link);
      await peer[Symbol.asyncDispose]();
      await expect(readBlock(link)).rejects.toMatchObject({
        code: 'source/unreadable',
        message: expect.stringContaining('3 tries'),
      });
    },
    TIMEOUT_MS,
  );

  test(
    'is not mistaken for the same when another disk comes back under its name',
    async () => {
      const socket = nextSocket();
      const peer = await startServer(socket);
      using link = await NbdLink.open(await toWish(locate(`nbd+unix:///?socket=${socket}`)), calm);
      await peer[Symbol.asyncDispose]();
      rmSync(socket, { force: true });
      writeFileSync(file('other.raw'), Buffer.alloc(MIB));
      await using _other = await startPeer('qemu-nbd', ['-k', socket, '-f', 'raw', '-r', '-t', file('other.raw')], socket);
      await expect(readBlock(link)).rejects.toMatchObject({ code: 'source/changed' });
    },
    TIMEOUT_MS,
  );

  test(
    'does not hold up a stop: a silent server is left at once',
    async () => {
      const socket = nextSocket();
      await using _peer = await startPeer('nbdkit', ['-f', '-U', socket, '--filter=delay', 'file', file('disk.raw'), 'rdelay=60'], socket);
      const stop = new AbortController();
      const source = locate(`nbd+unix:///?socket=${socket}`);
      const path = file('stopped.raw');
      const copied = bench.transfer.copy(
        {
          source,
          sourceMark: nbdDisks.mark(source),
          path,
          settings: { format: 'raw' },
          digest: 'tree',
          durability: 'sync',
          verifyPercent: 100,
          overwrite: false,
          restart: false,
        },
        { signal: stop.signal, onProgress: ({ stage }) => stage === 'copying' && setTimeout(() => stop.abort(), 200) },
      );
      const begun = performance.now();
      await expect(copied).rejects.toThrow();
      expect(performance.now() - begun).toBeLessThan(10_000);
    },
    TIMEOUT_MS,
  );

  test(
    'and a copy that was stopped go on where they were, when the export is said to be the same',
    async () => {
      const socket = nextSocket();
      await using _peer = await startServer(socket);
      const path = file('resumed.qcow2');
      const copyAs = (pointInTime: string, o: Watch<CopyProgress> & { readonly rateLimit?: number }): Promise<CopyOutcome> => {
        const source = { ...locate(`nbd+unix:///?socket=${socket}`), pointInTime };
        const request = {
          source,
          sourceMark: nbdDisks.mark(source),
          path,
          settings: { format: 'qcow2' },
          digest: 'tree',
          durability: 'sync',
          verifyPercent: 100,
          overwrite: false,
          restart: false,
        } as const;
        return bench.transfer.copy(o.rateLimit === undefined ? request : { ...request, rateLimit: o.rateLimit }, o);
      };
      /** Stopped as soon as anything of it is settled. */
      const interrupted = async (): Promise<void> => {
        const stop = new AbortController();
        const onProgress = ({ stage, settled }: CopyProgress): void => {
          if (stage === 'copying' && settled > 0) stop.abort();
        };
        await expect(copyAs('monday', { signal: stop.signal, onProgress, rateLimit: 12 * MIB })).rejects.toThrow();
      };
      await interrupted();
      const resumed = await copyAs('monday', calm);
      expect(resumed.resumedAt).toBeGreaterThan(0);
      rmSync(path);
      rmSync(`${path}.leaves`);
      await interrupted();
      const anew = await copyAs('tuesday', calm);
      expect(anew).toMatchObject({ resumedAt: 0, content: resumed.content, restartReason: expect.stringContaining('changed') });
    },
    TIMEOUT_MS,
  );
});
