import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HyperError, KIB, MIB } from '@hypersdk/domain';
import type { HttpLocator, Transfer, WebChoices } from '@hypersdk/ports';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTransfer } from '../../copy/transfer.ts';
import { startNginx, type Nginx } from './build-nginx.ts';
import { webImages } from './web-images.ts';

const TIMEOUT_MS = 120_000;
const { signal } = new AbortController();
const DISK_SIZE = 48 * MIB;

describe.skipIf(missing('nginx', 'openssl', 'qemu-img'))('an image on a web server', () => {
  let nginx: Nginx;
  let transfer: Transfer;
  const file = (name: string): string => join(nginx.folder, name);
  const locate = async (url: string, o: WebChoices = {}): Promise<HttpLocator> => {
    const located = await webImages.locate(url, { ...o, signal });
    if (!located) throw new Error(`${url} is no address.`);
    return located;
  };
  const isEqual = async (located: HttpLocator): Promise<boolean> => {
    const local = { kind: 'image', image: { path: file('disk.raw'), format: 'raw', references: 'refuse' } } as const;
    return (await transfer.compare(located, local, { signal })).result === 'equal';
  };

  beforeAll(async () => {
    nginx = await startNginx();
    transfer = openTransfer();
    const disk = Buffer.alloc(DISK_SIZE);
    for (const at of [0, 5, 6, 7, 20, 33, 46]) randomBytes(MIB - 3 * KIB).copy(disk, at * MIB + 1024);
    writeFileSync(file('disk.raw'), disk);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await transfer[Symbol.asyncDispose]();
    await nginx[Symbol.asyncDispose]();
  });

  test.each([
    ['raw', 'raw', []],
    ['qcow2', 'qcow2', []],
    ['qcow2', 'qcow2', ['-c']],
    ['qcow2', 'qcow2', ['-c', '-o', 'compression_type=zstd']],
    ['qcow2', 'qcow2', ['-o', 'cluster_size=512']],
    ['vmdk', 'vmdk', []],
    ['vmdk', 'vmdk', ['-o', 'subformat=streamOptimized']],
    ['vdi', 'vdi', []],
    ['vhdx', 'vhdx', []],
    ['vhd', 'vpc', ['-o', 'force_size=on']],
    ['vhd', 'vpc', ['-o', 'subformat=fixed,force_size=on']],
  ])(
    'as %s (%s %j) is known by its bytes and equals the disk',
    async (format, driver, options) => {
      const name = `image.${format}`;
      execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', driver, ...options, file('disk.raw'), file(name)]);
      const located = await locate(`${nginx.http}/${name}`);
      expect(located).toMatchObject({ kind: 'http', format, shown: `${nginx.http}/${name}` });
      expect(await webImages.inspect(located, { signal })).toMatchObject({ format, virtualSize: DISK_SIZE });
      expect(await isEqual(located)).toBe(true);
    },
    TIMEOUT_MS,
  );

  test(
    'is read over TLS with an authority of our own, and not without',
    async () => {
      const url = `${nginx.https}/disk.raw`;
      expect(await isEqual(await locate(url, { authorityFile: nginx.authorityFile }))).toBe(true);
      await expect(locate(url)).rejects.toMatchObject({ code: 'http/tls-failed' });
      await expect(locate(url.replace('localhost', '127.0.0.2'), { authorityFile: nginx.authorityFile })).rejects.toMatchObject({
        code: expect.stringMatching(/^http\/(?:unreachable|tls-failed)$/),
      });
    },
    TIMEOUT_MS,
  );

  test(
    'behind a token is read with a file of header fields, whose words are in no message',
    async () => {
      const url = `${nginx.http}/guarded/disk.raw`;
      const headerFile = file('fields');
      writeFileSync(headerFile, `Authorization: ${nginx.token}\n`);
      expect(await isEqual(await locate(url, { headerFile }))).toBe(true);
      await expect(locate(url)).rejects.toMatchObject({ code: 'source/forbidden' });
      writeFileSync(headerFile, 'Range: bytes=0-secret\n');
      await expect(locate(url, { headerFile })).rejects.toMatchObject({ code: 'usage/invalid', message: expect.not.stringContaining('secret') });
    },
    TIMEOUT_MS,
  );

  test('bears the same mark whoever asks, and another once it was written', async () => {
    copyFileSync(file('disk.raw'), file('marked.raw'));
    const url = `${nginx.http}/marked.raw`;
    const { mark } = await locate(`${url}?token=secret`);
    expect((await locate(url.replace('//', '//anna:secret@'))).mark).toBe(mark);
    writeFileSync(file('marked.raw'), randomBytes(MIB));
    expect((await locate(url)).mark).not.toBe(mark);
  });

  test.each(['raw', 'qcow2'] as const)(
    'as %s that is replaced while it is read leaves no copy behind',
    async (format) => {
      const name = `replaced.${format}`;
      const make = (): void => void execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, file('disk.raw'), file(`${name}.new`)]);
      make();
      renameSync(file(`${name}.new`), file(name));
      const source = await locate(`${nginx.http}/slow/${name}`);
      const path = file(`copy-of-${name}.raw`);
      let isReplaced = false;
      const copying = transfer.copy(
        {
          source,
          sourceMark: source.mark,
          path,
          settings: { format: 'raw' },
          digest: 'tree',
          durability: 'none',
          verifyPercent: 100,
          overwrite: false,
          restart: false,
        },
        {
          signal,
          onProgress: ({ stage }) => {
            if (stage !== 'copying' || isReplaced) return;
            isReplaced = true;
            setTimeout(() => {
              make();
              writeFileSync(file(`${name}.new`), randomBytes(1), { flag: 'a' });
              renameSync(file(`${name}.new`), file(name));
            }, 100);
          },
        },
      );
      await expect(copying).rejects.toMatchObject({ code: 'source/changed' });
      expect(existsSync(path)).toBe(false);
    },
    TIMEOUT_MS,
  );

  test(
    'on a slow line is let go of at once when nobody wants it any more',
    async () => {
      const stop = new AbortController();
      const source = await locate(`${nginx.http}/slow/disk.raw`);
      const comparing = transfer.compare(source, source, { signal: stop.signal });
      setTimeout(() => stop.abort(new HyperError('transfer/cancelled', 'Enough.')), 300);
      const since = performance.now();
      await expect(comparing).rejects.toMatchObject({ code: 'transfer/cancelled' });
      expect(performance.now() - since).toBeLessThan(5000);
    },
    TIMEOUT_MS,
  );

  test('that names another file is refused', async () => {
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', 'disk.raw', '-F', 'raw', file('overlay.qcow2')]);
    await expect(webImages.inspect(await locate(`${nginx.http}/overlay.qcow2`), { signal })).rejects.toMatchObject({
      code: 'image/refused-reference',
    });
  });
});
