import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { MIB } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { run, start, type Started } from './program.ts';
import { openWorkshop } from './workshop.ts';

const TIMEOUT_MS = 120_000;
const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());

const disk = await workshop.disk('disk.raw', { sizeMib: 64, dataMib: [0, 5, 40, 63] });
const socket = workshop.path('disk.sock');
const uri = `nbd+unix:///web-01?socket=${socket}`;

/** A server that has said its address. */
const serve = (...args: readonly string[]): Promise<Started & AsyncDisposable> => serveImage(disk, ...args);

async function serveImage(image: string, ...args: readonly string[]): Promise<Started & AsyncDisposable> {
  const started = start(['serve', image, ...args], { ...workshop, node: process.execPath });
  await new Promise<void>((told, failed) => {
    started.child.stdout.once('data', () => told());
    void started.ended.then(({ stderr }) => failed(new Error(stderr)));
  });
  const end = async (): Promise<void> => {
    started.child.kill('SIGKILL');
    await started.ended;
  };
  return { ...started, [Symbol.asyncDispose]: end };
}

describe('an image that is served', () => {
  test(
    'is inspected, converted with a receipt, verified and compared by its address',
    async () => {
      await using _server = await serve('--socket', socket, '--export', 'web-01');
      const about = await run(['inspect', uri, '--json'], workshop);
      expect(JSON.parse(about.stdout)).toMatchObject({ address: uri, exportName: 'web-01', virtualSize: 67_108_864, isReadOnly: true });
      const copy = workshop.path('copy.qcow2');
      expect(await run(['convert', uri, copy], workshop)).toMatchObject({ code: 0 });
      expect(await run(['verify', `${copy}.receipt.json`], workshop)).toMatchObject({ code: 0 });
      const elsewhere = await run(['verify', `${copy}.receipt.json`, '--disk', uri, '--json'], workshop);
      expect(JSON.parse(elsewhere.stdout)).toMatchObject({ ok: true, disks: [{ file: uri, receipt: 'valid', outcome: { result: 'equal' } }] });
      const other = await workshop.disk('other.raw', { sizeMib: 64, dataMib: [1, 5] });
      expect(await run(['verify', `${copy}.receipt.json`, '--disk', other], workshop)).toMatchObject({ code: 1 });
      expect(await run(['compare', uri, copy], workshop)).toMatchObject({ code: 0 });
      expect(await run(['compare', disk, uri], workshop)).toMatchObject({ code: 0 });
    },
    TIMEOUT_MS,
  );

  test(
    'is exported as a VM of one disk that has the name of the export',
    async () => {
      await using _server = await serve('--socket', socket, '--export', 'web-01');
      const folder = workshop.path('backup');
      await mkdir(folder);
      const args = ['export', uri, '--to', folder, '--format', 'raw', '--point-in-time', 'monday'];
      const ended = await run([...args, '--json'], workshop);
      expect(ended).toMatchObject({ code: 0 });
      const manifest = readFileSync(`${folder}/web-01/export-manifest.json`, 'utf8');
      expect(JSON.parse(manifest)).toMatchObject({ vm: { name: 'web-01', provider: 'nbd', disks: [{ location: `nbd+unix:${socket}#web-01` }] } });
      expect(Buffer.compare(readFileSync(`${folder}/web-01/disk-0.raw`), readFileSync(disk))).toBe(0);
      expect(await run(['verify', `${folder}/web-01`], workshop)).toMatchObject({ code: 0 });
      expect(await run([...args, '--name', 'other', '--dry-run'], workshop)).toMatchObject({ code: 0 });
      expect(await run(['export', uri, 'web-02', '--to', folder], workshop)).toMatchObject({ code: 66, stderr: expect.stringContaining('web-01') });
    },
    TIMEOUT_MS,
  );

  test(
    'is asked for by a wrong name, and the right one is told',
    async () => {
      await using _server = await serve('--socket', socket, '--export', 'web-01');
      const ended = await run(['inspect', `nbd+unix:///web-02?socket=${socket}`], workshop);
      expect(ended.code).toBe(66);
      expect(ended.stderr).toContain('It offers "web-01".');
    },
    TIMEOUT_MS,
  );

  test(
    'ends with Ctrl-C without a word, and its socket with it',
    async () => {
      const server = await serve('--socket', socket, '--export', 'web-01', '--overlay');
      expect(existsSync(socket)).toBe(true);
      server.child.kill('SIGINT');
      const ended = await server.ended;
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(ended.stdout.split('\n')[0]).toBe(uri);
      expect(existsSync(socket)).toBe(false);
    },
    TIMEOUT_MS,
  );

  test.skipIf(missing('qemu-io', 'qemu-img'))(
    'takes writes of other programs over TCP, and forgets them',
    async () => {
      const address = 'nbd://127.0.0.1:20810/';
      {
        await using _server = await serve('--overlay', '--listen', '127.0.0.1:20810');
        execFileSync('qemu-io', ['-f', 'raw', '-c', 'write -P 0x33 1M 1M', '-c', 'read -P 0x33 1M 1M', address], { stdio: 'ignore' });
        expect((await run(['compare', address, disk], workshop)).code).toBe(1);
      }
      await using _again = await serve('--listen', '127.0.0.1:20810');
      expect(execFileSync('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', address, disk], { encoding: 'utf8' })).toContain('identical');
    },
    TIMEOUT_MS,
  );
});

describe.skipIf(missing('qemu-io'))('an image that is served --writable', () => {
  const address = `nbd+unix:///?socket=${socket}`;
  const qemuIo = (...commands: readonly string[]) =>
    execFileSync('qemu-io', ['-f', 'raw', ...commands.flatMap((command) => ['-c', command]), address], { stdio: 'ignore' });

  test(
    'holds what was flushed, whatever ends its server',
    async () => {
      const image = await workshop.disk('writable.raw', { sizeMib: 16, dataMib: [0, 9] });
      const expected = readFileSync(image);
      for (let round = 1; round <= 3; round += 1) {
        await using server = await serveImage(image, '--writable', '--socket', socket);
        qemuIo(`write -P ${round} ${round}000001 77777`, 'flush', `write -f -P ${round} ${round + 10}M 4k`);
        server.child.kill('SIGKILL');
        await server.ended;
        expected.fill(round, round * 1_000_000 + 1, round * 1_000_000 + 77_778).fill(round, (round + 10) * MIB, (round + 10) * MIB + 4096);
      }
      expect(Buffer.compare(readFileSync(image), expected)).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    'has one server, and no conversion onto it',
    async () => {
      const image = await workshop.disk('single.raw', { sizeMib: 16, dataMib: [0] });
      await using _server = await serveImage(image, '--writable', '--socket', socket);
      const second = await run(['serve', image, '--writable', '--socket', workshop.path('second.sock')], workshop);
      expect(second).toMatchObject({ code: 75, stderr: expect.stringContaining('single.raw') });
      expect(await run(['convert', disk, image, '--overwrite'], workshop)).toMatchObject({ code: 75 });
    },
    TIMEOUT_MS,
  );

  test('of another format is refused, and the overlay offered', async () => {
    const image = workshop.path('tables.qcow2');
    expect(await run(['convert', disk, image, '--unverified'], workshop)).toMatchObject({ code: 0 });
    const ended = await run(['serve', image, '--writable', '--socket', socket], workshop);
    expect(ended).toMatchObject({ code: 64, stderr: expect.stringContaining('serve it with an overlay') });
  });
});

describe('an export as the target of a conversion', () => {
  test(
    'is written, read back and remembered, and not overwritten unasked',
    async () => {
      const image = workshop.path('target.raw');
      await writeFile(image, Buffer.alloc(80 * MIB, 0x5a));
      const address = `nbd+unix:///?socket=${socket}`;
      await using _server = await serveImage(image, '--writable', '--socket', socket);
      expect(await run(['convert', disk, address], workshop)).toMatchObject({ code: 73, stderr: expect.stringContaining('holds data already') });
      const ended = await run(['convert', disk, address, '--overwrite', '--json'], workshop);
      expect(ended).toMatchObject({ code: 0 });
      expect(JSON.parse(ended.stdout)).toMatchObject({
        address,
        virtualSize: 64 * MIB,
        targetSize: 80 * MIB,
        root: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      const [written, expected] = [readFileSync(image), readFileSync(disk)];
      expect(Buffer.compare(written.subarray(0, 64 * MIB), expected)).toBe(0);
      expect(written.subarray(64 * MIB).every((byte) => byte === 0)).toBe(true);
      expect(await run(['compare', disk, address], workshop)).toMatchObject({ code: 0 });
      expect((await run(['history'], workshop)).stdout).toContain(address);
    },
    TIMEOUT_MS,
  );

  test.each([
    [['nbd://localhost/x', '--compression', 'zstd'], '--compression is about image files'],
    [['nbd://localhost/x', '--format', 'qcow2'], '--format is about image files'],
    [['nbd://localhost/x', '--verify', '10%'], 'read back in full'],
    [['https://localhost/x.raw'], 'only an export of an NBD server'],
  ])('with %j is refused', async (args, why) => {
    expect(await run(['convert', disk, ...args], workshop)).toMatchObject({ code: 64, stderr: expect.stringContaining(why) });
  });
});

describe('wrong usage of serve', () => {
  test.each([
    [['--socket', socket, '--listen', '127.0.0.1:0'], '--socket or --listen'],
    [['--read-only', '--overlay'], '--read-only or --overlay'],
    [['--overlay', '--writable'], '--overlay or --writable'],
    [['--tls-psk', 'keys', '--tls-certificates', 'folder'], '--tls-certificates or --tls-psk'],
    [['--tls-verify-clients'], '--tls-certificates'],
    [['--listen', 'everywhere'], 'a host and a port'],
  ])('%j', async (args, why) => {
    const ended = await run(['serve', disk, ...args], workshop);
    expect(ended.code).toBe(64);
    expect(ended.stderr).toContain(why);
  });

  test.each([
    ['nbd://localhost/x?colour=red', 64, 'colour'],
    [`nbd+unix:///x?socket=${workshop.path('nobody.sock')}`, 69, 'nobody.sock cannot be reached: there is no such socket. Check'],
    // The discard port of TCP, where nobody listens any more; and a name that RFC 6761 keeps from ever being given.
    ['nbd://localhost:9/x', 69, 'localhost:9 cannot be reached: nobody listens there \\(the connection was refused\\). Check'],
    ['nbd://nobody.invalid/x', 69, /nobody\.invalid:10809 cannot be reached: no name server (knows this name|answers, so)/],
  ])('the address %s', async (address, code, why) => {
    expect(await run(['inspect', address], workshop)).toMatchObject({ code, stderr: expect.stringMatching(why) });
  });
});
