import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { userInfo } from 'node:os';
import { dialSocket } from '@hypersdk/wire';

export interface Sshd extends AsyncDisposable {
  readonly port: number;
  readonly keyFile: string;
  readonly otherKeyFile: string;
  readonly knownHosts: string;
  readonly user: string;
}

const START_MS = 20_000;

/** A server on loopback that lets this user in with one key, and knows the variables of the daemon's user. */
export async function openSshd(folder: string, environment: Readonly<Record<string, string>>, more: readonly string[] = []): Promise<Sshd> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o700);
  const at = (name: string): string => join(folder, name);
  for (const name of ['host', 'key', 'other']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  const [port, hostKey] = [await freePort(), await readFile(at('host.pub'), 'utf8')];
  await writeFile(at('authorized'), await readFile(at('key.pub')), { mode: 0o600 });
  await writeFile(at('known'), `[127.0.0.1]:${port} ${hostKey}`);
  const variables = Object.entries(environment).filter(([name]) => name.startsWith('XDG_') || name === 'PATH');
  await writeFile(
    at('sshd_config'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('authorized')}`,
      `PidFile none`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      `SetEnv ${variables.map(([name, value]) => `${name}=${value}`).join(' ')}`,
      ...more,
    ].join('\n'),
  );
  // Where it gives up its rights before anybody is let in.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });
  const server = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', at('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  server.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const ended = once(server, 'exit');
  for (const until = performance.now() + START_MS; !(await answers(port));) {
    if (server.exitCode !== null || performance.now() > until) throw new Error(`sshd does not answer: ${said}`);
    await delay(20);
  }
  return {
    port,
    keyFile: at('key'),
    otherKeyFile: at('other'),
    knownHosts: at('known'),
    user: userInfo().username,
    [Symbol.asyncDispose]: async () => {
      server.kill('SIGKILL');
      await ended;
    },
  };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

async function answers(port: number): Promise<boolean> {
  try {
    const link = await dialSocket({ host: '127.0.0.1', port }, { signal: AbortSignal.timeout(1000) });
    link[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}
