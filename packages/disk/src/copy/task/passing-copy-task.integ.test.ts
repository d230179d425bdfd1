import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { KIB, MIB } from '@hypersdk/domain';
import type { BlockLocator } from '@hypersdk/ports';
import { calm, expectEqualBytes, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startNginx } from '../../remote/http/build-nginx.ts';
import { NbdBench, TIMEOUT_MS } from '../../remote/build-nbd-bench.ts';
import { startPeer } from '../../remote/build-nbd-peers.ts';
import { webImages } from '../../remote/http/web-images.ts';

const bench = new NbdBench();
const { file, locate, nextSocket } = bench;

/** What a copy of the same bytes in a file says of them. */
async function digestOf(source: BlockLocator): Promise<string> {
  return (await bench.transfer.digest(source, calm)).root;
}

beforeAll(() => bench.build(), TIMEOUT_MS);
afterAll(() => bench[Symbol.asyncDispose]());

const raw = (name: string): BlockLocator => ({ kind: 'image', image: { path: file(name), format: 'raw', references: 'refuse' } });

describe.skipIf(missing('nbdkit', 'qemu-img'))('a raw copy that is written as its bytes arrive', () => {
  test.each([
    ['in any order', ['--threads=16', 'file', 'DISK']],
    ['without a word of where data is', ['--filter=noextents', 'file', 'DISK']],
    [
      'in small blocks',
      ['--filter=blocksize-policy', 'file', 'DISK', 'blocksize-minimum=512', 'blocksize-maximum=64K', 'blocksize-error-policy=error'],
    ],
    ['late and with failures', ['--filter=error', '--filter=delay', 'file', 'DISK', 'error-pread-rate=5%', 'error=EIO', 'rdelay=1ms']],
  ] as const)(
    'has the digest of the disk when they come %s',
    async (_name, args) => {
      const socket = nextSocket();
      await using _peer = await startPeer('nbdkit', ['-f', '-U', socket, ...args.map((word) => word.replace('DISK', file('disk.raw')))], socket);
      const { outcome, bytes } = await bench.copy(locate(`nbd+unix:///?socket=${socket}`), { digest: 'tree' });
      expectEqualBytes(bytes, bench.content);
      expect(outcome.content?.root).toBe(await digestOf(raw('disk.raw')));
    },
    TIMEOUT_MS,
  );

  test.each([
    ['tells of every hole', []],
    ['tells of none', ['--filter=noextents']],
  ] as const)(
    'of a finely cut disk is whole and takes room only for what is not all zeros, when the server %s',
    async (_name, filters) => {
      const content = Buffer.alloc(12 * MIB);
      const fd = openSync(file('crumbs.raw'), 'w');
      ftruncateSync(fd, content.length);
      const fill = (start: number, length: number): void => {
        content.fill(1 + (start % 251), start, start + length);
        writeSync(fd, content, start, length, start);
      };
      // Every third block in the first leaf, nothing in the second, one byte at the end of the third.
      for (let at = 0; at < 4 * MIB; at += 12 * KIB) fill(at, 4 * KIB);
      fill(content.length - 1, 1);
      closeSync(fd);
      const socket = nextSocket();
      await using _peer = await startPeer('nbdkit', ['-f', '-U', socket, ...filters, 'file', file('crumbs.raw')], socket);
      const { outcome, bytes, allocatedSize } = await bench.copy(locate(`nbd+unix:///?socket=${socket}`), { digest: 'tree' });
      expectEqualBytes(bytes, content);
      expect(outcome.content?.root).toBe(await digestOf(raw('crumbs.raw')));
      expect(allocatedSize).toBeLessThan(5 * MIB);
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(missing('nginx', 'openssl', 'qemu-img'))('a raw copy from a web server', () => {
  test.each(['http', 'https'] as const)(
    'over %s has the digest of the disk',
    async (scheme) => {
      await using nginx = await startNginx();
      writeFileSync(`${nginx.folder}/disk.raw`, bench.content);
      const source = await webImages.locate(`${nginx[scheme]}/disk.raw`, { ...calm, authorityFile: nginx.authorityFile });
      if (!source) throw new Error('This is an address.');
      const { outcome, bytes } = await bench.copy(source, { digest: 'tree' });
      expectEqualBytes(bytes, bench.content);
      expect(outcome.content?.root).toBe(await digestOf(raw('disk.raw')));
    },
    TIMEOUT_MS,
  );
});
