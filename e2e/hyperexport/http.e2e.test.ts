import { randomBytes } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { MIB } from '@hypersdk/domain';
import { afterAll, describe, expect, test } from 'vitest';
import { run, start } from './program.ts';
import { openWorkshop } from './workshop.ts';

const TIMEOUT_MS = 120_000;
const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
const disk = workshop.path('disk.raw');
writeFileSync(disk, randomBytes(96 * MIB));

/** Serves ranges of files in the workshop to whoever says the password, and counts the bytes. */
let sent = 0;
const server = createServer((request, response) => {
  const path = workshop.path(new URL(request.url ?? '/', 'http://host').pathname.slice(1));
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  if (request.headers.authorization !== `Basic ${Buffer.from('anna:secret').toString('base64')}`) return void response.writeHead(401).end();
  const { size, mtime } = statSync(path);
  const end = Math.min(Number(last), size - 1);
  const bytes = readFileSync(path).subarray(Number(first), end + 1);
  sent += bytes.length;
  response.writeHead(206, { 'Content-Range': `bytes ${first}-${end}/${size}`, 'Content-Length': bytes.length, 'Last-Modified': mtime.toUTCString() });
  response.end(bytes);
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
afterAll(
  () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
);
const { port } = server.address() as AddressInfo;
const address = (name: string): string => `http://anna:secret@127.0.0.1:${port}/${name}`;

describe('an image on a web server', () => {
  test(
    'is inspected, converted with a receipt, verified and compared by its address',
    async () => {
      const image = workshop.path('image.qcow2');
      const small = await workshop.disk('small.raw', { sizeMib: 32, dataMib: [0, 9, 31] });
      expect(await run(['convert', small, image, '--unverified'], workshop)).toMatchObject({ code: 0 });
      const about = await run(['inspect', address('image.qcow2'), '--json'], workshop);
      expect(JSON.parse(about.stdout)).toMatchObject({ path: `http://127.0.0.1:${port}/image.qcow2`, format: 'qcow2', virtualSize: 32 * MIB });
      const copy = workshop.path('copy.vmdk');
      const ended = await run(['convert', address('image.qcow2'), copy], workshop);
      expect(ended).toMatchObject({ code: 0 });
      expect(ended.stdout).not.toContain('secret');
      expect(readFileSync(`${copy}.receipt.json`, 'utf8')).not.toContain('secret');
      expect(await run(['verify', `${copy}.receipt.json`], workshop)).toMatchObject({ code: 0 });
      expect(await run(['compare', address('image.qcow2'), small], workshop)).toMatchObject({ code: 0 });
    },
    TIMEOUT_MS,
  );

  test(
    'is converted on where it stopped after a kill',
    async () => {
      sent = 0;
      const copy = workshop.path('resumed.raw');
      const args = ['convert', address('disk.raw'), copy];
      // A checkpoint is kept every five seconds.
      const first = start([...args, '--limit-rate', '8M'], workshop);
      while (sent < 75 * MIB && first.child.exitCode === null) await delay(20);
      first.child.kill('SIGKILL');
      await first.ended;
      sent = 0;
      expect(await run(args, workshop)).toMatchObject({ code: 0 });
      expect(sent).toBeLessThan(80 * MIB);
      expect(Buffer.compare(readFileSync(copy), readFileSync(disk))).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    'is exported as a VM that no file names by its password, and the run goes on after a kill',
    async () => {
      sent = 0;
      const folder = workshop.path('backup');
      await mkdir(folder);
      const args = ['export', address('disk.raw'), '--to', folder, '--format', 'raw'];
      const first = start([...args, '--limit-rate', '8M'], workshop);
      while (sent < 75 * MIB && first.child.exitCode === null) await delay(20);
      first.child.kill('SIGKILL');
      await first.ended;
      sent = 0;
      expect(await run(args, workshop)).toMatchObject({ code: 0 });
      expect(sent).toBeLessThan(80 * MIB);
      expect(Buffer.compare(readFileSync(`${folder}/disk/disk-0.raw`), readFileSync(disk))).toBe(0);
      const documents = (await readdir(`${folder}/disk`)).filter((name) => name.endsWith('.json'));
      expect(documents).toContain('export-manifest.json');
      for (const name of documents) expect(readFileSync(`${folder}/disk/${name}`, 'utf8')).not.toContain('secret');
    },
    TIMEOUT_MS,
  );

  test('whose password is missing is told so, in one line without it', async () => {
    const ended = await run(['inspect', `http://anna:wrong@127.0.0.1:${port}/disk.raw`], workshop);
    expect(ended).toMatchObject({ code: 77, stderr: expect.stringContaining('answers 401') });
    expect(ended.stderr).not.toContain('wrong');
  });

  test('is not remembered with its password', async () => {
    const history = await run(['history', '--json'], workshop);
    expect(history.stdout).toContain(`127.0.0.1:${port}/disk.raw`);
    expect(history.stdout).not.toContain('secret');
  });
});
