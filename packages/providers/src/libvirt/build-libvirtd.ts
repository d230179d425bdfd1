import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dialSocket, type SocketAddress } from '@hypersdk/wire';

/** A daemon of an ordinary user, with sockets and configuration of its own. Nothing of the machine's own libvirt is touched. */
export interface Libvirtd extends AsyncDisposable {
  /** A folder that QEMU can read and write. */
  readonly folder: string;
  /** A folder in there for backups, which whoever runs the tests may look into. */
  readonly scratch: string;
  readonly socket: string;
  readonly uri: string;
  /** What the daemon, and whoever is to be another of its clients, is started with. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs `virsh`, the client that everybody knows, on the same daemon. */
  virsh(...args: readonly string[]): string;
  /** Stops the daemon as a crash would; the guests run on. */
  kill(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
}

/** libvirtd runs its session driver for ordinary users only; as root the tests lend it the id of one. */
const UID = 64_055;
const START_MS = 60_000;
const isRoot = process.getuid?.() === 0;

interface DaemonWish {
  readonly config?: string;
  /** Lines for qemu.conf. */
  readonly qemuConfig?: string;
  readonly args?: readonly string[];
  /** Where it is to listen besides its own socket. */
  readonly ports?: readonly number[];
  readonly environment?: Readonly<Record<string, string>>;
}

export async function openLibvirtd(o: DaemonWish = {}): Promise<Libvirtd> {
  const folder = await mkdtemp(join(tmpdir(), 'hvd-'));
  await chmod(folder, 0o755);
  for (const name of ['run', 'config', 'config/libvirt', 'cache', 'images', 's']) await own(join(folder, name));
  const scratch = join(folder, 's');
  await chmod(scratch, 0o777);
  if (isRoot) await chown(folder, UID, UID);
  await writeFile(join(folder, 'config/libvirt/libvirtd.conf'), o.config ?? '');
  await writeFile(join(folder, 'config/libvirt/qemu.conf'), `stdio_handler = "file"\nsecurity_driver = "none"\n${o.qemuConfig ?? ''}`);
  const environment = {
    PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
    HOME: folder,
    XDG_RUNTIME_DIR: join(folder, 'run'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    LC_ALL: 'C',
    ...o.environment,
  };
  const socket = join(folder, 'run/libvirt/libvirt-sock');
  const uri = `qemu:///session?socket=${socket}`;
  let daemon: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const [program, ...args] = asUser(['libvirtd', '--timeout', '600', ...(o.args ?? [])]);
    daemon = spawn(program, args, { env: environment, stdio: ['ignore', 'ignore', 'pipe'], cwd: folder });
    let said = '';
    daemon.stderr?.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-4000)));
    const places = [{ path: socket }, ...(o.ports ?? []).map((port) => ({ host: '127.0.0.1', port }))];
    for (const until = performance.now() + START_MS; !(await answer(places));) {
      if (daemon.exitCode !== null || performance.now() > until) throw new Error(`libvirtd does not answer: ${said}`);
      await delay(20);
    }
  };
  const kill = async (): Promise<void> => {
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const exited = once(daemon, 'exit');
    daemon.kill('SIGKILL');
    await exited;
  };
  await start();
  return {
    folder,
    scratch,
    socket,
    uri,
    environment,
    virsh: (...args) => {
      const [program, ...rest] = asUser(['virsh', '-q', '-c', uri, ...args]);
      return execFileSync(program, rest, {
        env: environment,
        encoding: 'utf8',
        timeout: 60_000,
        stdio: ['ignore', 'pipe', 'pipe'],
        maxBuffer: 64 * 1024 * 1024,
      });
    },
    kill,
    start,
    [Symbol.asyncDispose]: async () => {
      await kill();
      for (const pid of await guestsUnder(folder)) process.kill(pid, 'SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A folder that the daemon's user owns. */
async function own(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  if (isRoot) await chown(path, UID, UID);
}

/** Hands a file over to the daemon's user. */
export async function giveAway(path: string): Promise<void> {
  if (isRoot) await chown(path, UID, UID);
}

function asUser(command: readonly [string, ...string[]] | readonly string[]): readonly [string, ...string[]] {
  const [program = '', ...args] = command;
  return isRoot ? ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', program, ...args] : [program, ...args];
}

async function answer(places: readonly SocketAddress[]): Promise<boolean> {
  try {
    for (const place of places) (await dialSocket(place, { signal: AbortSignal.timeout(1000) }))[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

/** Guests outlive their daemon; they are known by the folder that they run in. */
async function guestsUnder(folder: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const program = await readlink(`/proc/${name}/exe`).catch(() => '');
    if (!program.includes('qemu-system')) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(folder)) found.push(Number(name));
  }
  return found;
}
