import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { MIB } from '@hypersdk/domain';
import type { NbdLocator, ServeRequest } from '@hypersdk/ports';
import { calm, expectEqualBytes, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nbdDiskServer } from '../serve/nbd-disk-server.ts';
import { DISK_SIZE, NbdBench, TIMEOUT_MS } from './build-nbd-bench.ts';
import { startPeer } from './build-nbd-peers.ts';

const bench = new NbdBench();
const { file, locate, nextSocket } = bench;
const copy = (source: NbdLocator): ReturnType<NbdBench['copy']> => bench.copy(source);

beforeAll(() => bench.build(), TIMEOUT_MS);
afterAll(() => bench[Symbol.asyncDispose]());

interface Peer {
  readonly args: readonly string[];
  /** Behind the socket in the address; `?socket=…` is put before it. */
  readonly more?: string;
  readonly user?: string;
  readonly scheme?: 'nbds';
  readonly name?: string;
  readonly isSingle?: boolean;
}

const kit = (name: string, ...args: readonly string[]): readonly [string, Peer] => [`nbdkit ${name}`, { args: [...args, 'file', 'FOLDER/disk.raw'] }];
const filters = (name: string, list: readonly string[], ...settings: readonly string[]): readonly [string, Peer] => [
  `nbdkit ${name}`,
  { args: [...list.map((filter) => `--filter=${filter}`), 'file', 'FOLDER/disk.raw', ...settings] },
];
const blocks = (minimum: string, preferred: string, maximum: string): readonly [string, Peer] =>
  filters(
    `blocks of ${minimum}, ${preferred}, ${maximum}`,
    ['blocksize-policy'],
    'blocksize-error-policy=error',
    `blocksize-minimum=${minimum}`,
    `blocksize-preferred=${preferred}`,
    `blocksize-maximum=${maximum}`,
  );
const tls = ['--tls=require', '--tls-certificates=FOLDER/secrets'];

const kits: readonly (readonly [string, Peer])[] = [
  kit('as it is'),
  kit('without structured replies', '--no-sr'),
  kit('with one thread', '--threads=1'),
  kit('with 64 threads', '--threads=64'),
  kit('read-only', '-r'),
  kit('with the oldest handshake options masked', '--mask-handshake=1'),
  filters('without extents', ['noextents']),
  ['nbdkit without extents and structured replies', { args: ['--no-sr', '--filter=noextents', 'file', 'FOLDER/disk.raw'] }],
  blocks('1', '512', '32M'),
  blocks('1', '4096', '64K'),
  blocks('512', '512', '4096'),
  blocks('512', '4096', '128K'),
  blocks('512', '64K', '1M'),
  blocks('512', '2M', '32M'),
  filters('serialised', ['noparallel'], 'serialize=all-requests'),
  filters('slow to answer', ['delay'], 'rdelay=5ms'),
  filters('slow to say where data is', ['delay'], 'delay-extents=20ms'),
  filters('failing 1 % of reads', ['error'], 'error-pread-rate=1%', 'error=EIO'),
  filters('failing 20 % of reads', ['error'], 'error-pread-rate=20%', 'error=EIO'),
  filters('failing 20 % of maps', ['error'], 'error-extents-rate=20%', 'error=EIO'),
  filters('short of memory', ['error'], 'error-pread-rate=2%', 'error=ENOMEM'),
  filters('slow, failing, without extents', ['error', 'delay', 'noextents'], 'error-pread-rate=1%', 'rdelay=2ms'),
  filters('under a copy-on-write layer', ['cow']),
  filters('under a cache', ['cache']),
  filters('under a cache of extents', ['cacheextents']),
  filters('reading ahead', ['readahead']),
  filters('splitting requests', ['blocksize'], 'maxdata=64K'),
  filters('that takes several connections', ['multi-conn'], 'multi-conn-mode=unsafe'),
  filters('that takes one connection at a time', ['multi-conn'], 'multi-conn-mode=disable'),
  filters('that ends with its last client', ['exitlast', 'multi-conn'], 'multi-conn-mode=disable'),
  ['nbdkit that counts to one', { args: ['--filter=limit', 'file', 'FOLDER/disk.raw', 'limit=1'] }],
  ['nbdkit that counts to one, and is known to', { args: ['--filter=limit', 'file', 'FOLDER/disk.raw', 'limit=1'], isSingle: true }],
  filters('retrying', ['retry', 'error'], 'error-pread-rate=2%', 'retry-delay=1'),
  ['nbdkit under another name', { args: ['-e', 'a name', 'file', 'FOLDER/disk.raw'], name: 'a%20name' }],
  ['nbdkit with certificates', { args: [...tls, 'file', 'FOLDER/disk.raw'], scheme: 'nbds', more: '&tls-certificates=FOLDER/secrets' }],
  [
    'nbdkit that asks for a certificate',
    { args: [...tls, '--tls-verify-peer', 'file', 'FOLDER/disk.raw'], scheme: 'nbds', more: '&tls-certificates=FOLDER/secrets' },
  ],
  [
    'nbdkit with a pre-shared key',
    {
      args: ['--tls=require', '--tls-psk=FOLDER/secrets/keys.psk', 'file', 'FOLDER/disk.raw'],
      scheme: 'nbds',
      user: 'alice@',
      more: '&tls-psk-file=FOLDER/secrets/keys.psk',
    },
  ],
  [
    'nbdkit with certificates, failing',
    { args: [...tls, '--filter=error', 'file', 'FOLDER/disk.raw', 'error-pread-rate=1%'], scheme: 'nbds', more: '&tls-certificates=FOLDER/secrets' },
  ],
];

const filled = (text: string): string => text.replaceAll('FOLDER', bench.folder);

describe.skipIf(missing('nbdkit', 'qemu-img', 'openssl'))('an export is copied, equal in every byte, from', () => {
  test.each(kits)(
    '%s',
    async (_name, { args, more = '', user = '', scheme = 'nbd', name = '', isSingle = false }) => {
      const socket = nextSocket();
      await using _peer = await startPeer('nbdkit', ['-f', '-U', socket, ...args.map(filled)], socket);
      const source = locate(`${scheme}+unix://${user}/${name}?socket=${socket}${filled(more)}`);
      const { bytes } = await copy({ ...source, isSingle });
      expectEqualBytes(bytes, bench.content);
    },
    TIMEOUT_MS,
  );
});

/** A qcow2 image for four clients. */
const FOUR = ['-f', 'qcow2', '-r', '-t', '-e', '4', 'FOLDER/disk.qcow2'];
const withCredentials = (about: string): readonly string[] => [
  '--object',
  `tls-creds-${about},id=t,endpoint=server,dir=FOLDER/secrets`,
  '--tls-creds',
  't',
  ...FOUR,
];

const qemus: readonly (readonly [string, Peer])[] = [
  ['a qcow2 image, one client in its life', { args: ['-f', 'qcow2', '-r', 'FOLDER/disk.qcow2'] }],
  ['a qcow2 image, four clients', { args: FOUR }],
  ['a qcow2 image that may be written', { args: ['-f', 'qcow2', '-t', '-e', '8', 'FOLDER/disk.qcow2'] }],
  ['a VMDK image', { args: ['-f', 'vmdk', '-r', '-t', '-e', '4', 'FOLDER/disk.vmdk'] }],
  ['a raw image under a name', { args: ['-f', 'raw', '-r', '-t', '-e', '4', '-x', 'disk one', 'FOLDER/disk.raw'], name: 'disk%20one' }],
  ['a depth of allocation beside it', { args: ['-f', 'qcow2', '-r', '-t', '-A', '-e', '4', 'FOLDER/disk.qcow2'] }],
  [
    'certificates',
    {
      args: withCredentials('x509,verify-peer=yes'),
      scheme: 'nbds',
      more: '&tls-certificates=FOLDER/secrets',
    },
  ],
  [
    'a pre-shared key',
    {
      args: withCredentials('psk'),
      scheme: 'nbds',
      user: 'alice@',
      more: '&tls-psk-file=FOLDER/secrets/keys.psk',
    },
  ],
];

describe.skipIf(missing('qemu-nbd', 'qemu-img', 'openssl'))('an export of qemu-nbd is copied, with', () => {
  test.each(qemus)(
    '%s',
    async (_name, { args, more = '', user = '', scheme = 'nbd', name = '' }) => {
      const socket = nextSocket();
      await using _peer = await startPeer('qemu-nbd', ['-k', socket, ...args.map(filled)], socket);
      const { bytes } = await copy(locate(`${scheme}+unix://${user}/${name}?socket=${socket}${filled(more)}`));
      expectEqualBytes(bytes.subarray(0, DISK_SIZE), bench.content);
    },
    TIMEOUT_MS,
  );

  test(
    'a bitmap: what it marks is data, everything else a hole',
    async () => {
      const [image, socket] = [file('marked.qcow2'), nextSocket()];
      execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', file('disk.raw'), image]);
      execFileSync('qemu-img', ['bitmap', '--add', image, 'b1']);
      execFileSync('qemu-io', ['-c', 'write -P 0x77 1M 64k', '-c', 'write -z 13M 64k', image], { stdio: 'ignore' });
      await using _peer = await startPeer('qemu-nbd', ['-k', socket, '-f', 'qcow2', '-r', '-t', '-e', '4', '-B', 'b1', image], socket);
      const { outcome, bytes } = await copy(locate(`nbd+unix:///?socket=${socket}&x-bitmap=qemu:dirty-bitmap:b1`));
      const expected = Buffer.alloc(bytes.length);
      expected.fill(0x77, MIB, MIB + 65_536);
      expectEqualBytes(bytes, expected);
      expect(outcome.dataRead).toBe(65_536);
      await expect(copy(locate(`nbd+unix:///?socket=${socket}&x-bitmap=qemu:dirty-bitmap:b2`))).rejects.toMatchObject({ code: 'nbd/unsupported' });
    },
    TIMEOUT_MS,
  );
});

const ours: readonly (readonly [
  string,
  Partial<ServeRequest>,
  { readonly format: 'raw' | 'qcow2' | 'vmdk'; readonly more?: () => string; readonly user?: string },
])[] = [
  ['a raw image', {}, { format: 'raw' }],
  ['a qcow2 image', {}, { format: 'qcow2' }],
  ['a VMDK image', {}, { format: 'vmdk' }],
  ['an overlay', { access: 'overlay' }, { format: 'qcow2' }],
  ['one connection at a time', { connectionsMax: 1 }, { format: 'qcow2' }],
];

describe.skipIf(missing('qemu-img', 'openssl'))('an export of our own server is copied, of', () => {
  test.each(ours)(
    '%s',
    async (_name, change, { format }) => {
      const path = nextSocket();
      const image = { path: file(`disk.${format}`), format, references: 'refuse' } as const;
      const request: ServeRequest = {
        source: { kind: 'image', image },
        access: 'read-only',
        exportName: 'our disk',
        address: { path },
        connectionsMax: 8,
        ...change,
      };
      await using served = await nbdDiskServer.serve(request, calm);
      const { bytes } = await copy({ ...locate(served.uri), isSingle: request.connectionsMax === 1 });
      expectEqualBytes(bytes.subarray(0, DISK_SIZE), bench.content);
    },
    TIMEOUT_MS,
  );

  test.each([
    ['certificates', { kind: 'certificates', asksClients: false }, 'nbds://localhost:PORT/x?tls-certificates=FOLDER/secrets'],
    ['certificates on both sides', { kind: 'certificates', asksClients: true }, 'nbds://localhost:PORT/x?tls-certificates=FOLDER/secrets'],
    ['a pre-shared key', { kind: 'psk' }, 'nbds://alice@localhost:PORT/x?tls-psk-file=FOLDER/secrets/keys.psk'],
  ] as const)(
    'an image under TLS with %s, and nobody else gets in',
    async (_name, secrets, uri) => {
      const tlsFiles = secrets.kind === 'psk' ? { kind: 'psk' as const, file: file('secrets/keys.psk') } : { ...secrets, folder: file('secrets') };
      const image = { path: file('disk.qcow2'), format: 'qcow2', references: 'refuse' } as const;
      const request: ServeRequest = {
        source: { kind: 'image', image },
        access: 'read-only',
        exportName: 'x',
        address: { host: '127.0.0.1', port: 0 },
        connectionsMax: 8,
        tls: tlsFiles,
      };
      await using served = await nbdDiskServer.serve(request, calm);
      const port = /:(\d+)\//.exec(served.uri)?.[1] ?? '';
      const { bytes } = await copy(locate(filled(uri.replace('PORT', port))));
      expectEqualBytes(bytes.subarray(0, DISK_SIZE), bench.content);
      await expect(copy(locate(`nbd://localhost:${port}/x`))).rejects.toMatchObject({ code: 'nbd/refused' });
      mkdirSync(file('stranger'), { recursive: true });
      await expect(copy(locate(`nbds://localhost:${port}/x?tls-certificates=${file('stranger')}`))).rejects.toMatchObject({ code: 'nbd/tls-failed' });
    },
    TIMEOUT_MS,
  );
});
