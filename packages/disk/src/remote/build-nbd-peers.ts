import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** How long a peer may take to listen, on a machine that is busy. */
const START_MS = 20_000;

/** A program that serves on a UNIX socket, until it is disposed of. */
export async function startPeer(program: string, args: readonly string[], socket: string): Promise<AsyncDisposable> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const ended = once(child, 'exit');
  for (const until = performance.now() + START_MS; !(await isListening(socket));) {
    if (child.exitCode !== null || performance.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`${program} does not listen: ${said}`);
    }
    await delay(10);
  }
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Looks into the kernel's table: a connection that was only a look would end servers that live for one client. */
async function isListening(socket: string): Promise<boolean> {
  const table = await readFile('/proc/net/unix', 'utf8');
  return table.split('\n').some((line) => line.endsWith(` ${socket}`) && line.includes(' 00010000 '));
}

export interface Cutter extends AsyncDisposable {
  readonly port: number;
  readonly cuts: number;
  /** Bytes that went to clients. */
  readonly passed: number;
}

/** Passes connections on to a UNIX socket, and cuts each after as many bytes as `budget` says next. */
export async function openCutter(socket: string, budget: () => number): Promise<Cutter> {
  let cuts = 0;
  let passed = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ path: socket });
    let left = budget();
    const end = (): void => {
      client.destroy();
      upstream.destroy();
      open.delete(client);
    };
    open.add(client);
    for (const side of [client, upstream]) side.on('error', end).on('close', end);
    client.pipe(upstream);
    upstream.on('data', (bytes: Buffer) => {
      const part = bytes.subarray(0, left);
      passed += part.length;
      left -= part.length;
      client.write(part);
      if (left > 0) return;
      cuts += 1;
      // What was written goes out first: the cut is behind this very byte.
      client.end(() => end());
      upstream.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get cuts() {
      return cuts;
    },
    get passed() {
      return passed;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of open) client.destroy();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

/** An authority, a server and a client of its making, under the names that QEMU, libnbd and nbdkit look for; and a file of keys. */
export function buildSecrets(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): void => void execFileSync('openssl', args, { stdio: 'ignore', cwd: folder });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...ec,
    '-keyout',
    'ca-key.pem',
    '-out',
    'ca-cert.pem',
    '-subj',
    '/CN=authority',
    '-days',
    '3650',
    '-addext',
    'keyUsage=critical,keyCertSign,cRLSign',
  );
  for (const who of ['server', 'client']) {
    writeFileSync(
      file('extensions'),
      `subjectAltName=DNS:localhost,IP:127.0.0.1\nkeyUsage=digitalSignature\nextendedKeyUsage=${who}Auth\nbasicConstraints=CA:FALSE\n`,
    );
    openssl('req', ...ec, '-keyout', `${who}-key.pem`, '-out', `${who}.csr`, '-subj', `/CN=${who}`);
    openssl(
      'x509',
      '-req',
      '-in',
      `${who}.csr`,
      '-CA',
      'ca-cert.pem',
      '-CAkey',
      'ca-key.pem',
      '-CAcreateserial',
      '-out',
      `${who}-cert.pem`,
      '-days',
      '3650',
      '-extfile',
      'extensions',
    );
  }
  writeFileSync(file('keys.psk'), 'alice:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n');
  return folder;
}
