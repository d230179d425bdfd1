import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const START_TRIES = 200;
const START_STEP_MS = 50;

export interface Nginx extends AsyncDisposable {
  /** What lies here is served. */
  readonly folder: string;
  /** PEM of the authority behind the certificate of `https`. */
  readonly authorityFile: string;
  readonly http: string;
  readonly https: string;
  /** `/slow/` is served at 512 KiB a second for each connection, `/guarded/` only to who sends this as `Authorization`. */
  readonly token: string;
}

/** nginx with a folder of its own, on free ports of this machine. */
export async function startNginx(): Promise<Nginx> {
  const home = await mkdtemp(join(tmpdir(), 'nginx-'));
  const folder = join(home, 'www');
  mkdirSync(folder);
  const authorityFile = join(home, 'ca.pem');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', join(home, 'key.pem')];
  execFileSync('openssl', ['req', '-x509', ...key, '-out', authorityFile, '-days', '2', ...subject], { stdio: 'ignore' });
  const [plain, secure] = [await freePort(), await freePort()];
  const token = 'Bearer abc';
  writeFileSync(join(home, 'nginx.conf'), configure(home, { plain, secure, token }));
  const child = spawn('nginx', ['-p', home, '-c', join(home, 'nginx.conf')], {
    stdio: 'ignore',
    env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await untilUp(plain, () => (child.exitCode === null ? '' : readFileSync(join(home, 'error.log'), 'utf8')));
  return {
    folder,
    authorityFile,
    http: `http://127.0.0.1:${plain}`,
    https: `https://localhost:${secure}`,
    token,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function configure(home: string, o: { readonly plain: number; readonly secure: number; readonly token: string }): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${home}/${name};`).join(' ');
  const places = `location /slow/ { alias ${home}/www/; limit_rate 512k; }
    location /guarded/ { alias ${home}/www/; if ($http_authorization != "${o.token}") { return 403; } }`;
  return `daemon off; master_process off; pid ${home}/pid; error_log ${home}/error.log; user root;
    events { worker_connections 256; }
    http { access_log off; sendfile on; ${temporary}
      server { listen 127.0.0.1:${o.plain}; root ${home}/www; ${places} }
      server { listen 127.0.0.1:${o.secure} ssl; root ${home}/www; ssl_certificate ${home}/ca.pem; ssl_certificate_key ${home}/key.pem; ${places} } }`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

async function untilUp(port: number, failure: () => string): Promise<void> {
  for (let tries = 0; tries < START_TRIES; tries += 1) {
    if (await isListening(port)) return;
    const why = failure();
    if (why !== '') throw new Error(`nginx ended: ${why}`);
    await delay(START_STEP_MS);
  }
  throw new Error('nginx did not start.');
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
