// libvirt, "Connection URIs" and "Remote support": driver[+transport]://[user@][host][:port]/[path][?parameters].
import { HyperError } from '@hypersdk/domain';

/** How a libvirt server is reached, and what is opened there. */
export interface LibvirtAddress {
  /** The address that the server itself opens: without transport and host. */
  readonly localUri: string;
  readonly transport: LibvirtTransport;
}

export type LibvirtTransport =
  /** Sockets in the order in which they are tried. */
  | { readonly kind: 'unix'; readonly sockets: readonly string[] }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'tls'; readonly host: string; readonly port: number; readonly pkiFolder?: string }
  | SshTransport;

export interface SshTransport {
  readonly kind: 'ssh';
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
  readonly keyFile?: string;
  readonly knownHostsFile?: string;
  /** False: a host whose key is not known is believed. */
  readonly verifiesHost: boolean;
  /** On the other machine, for where there is no program of libvirt's own. */
  readonly socket: string;
  readonly proxy: 'auto' | 'native' | 'netcat';
}

export interface UriSurroundings {
  /** XDG_RUNTIME_DIR: where the sockets of a user's own daemons lie. */
  readonly runtimeFolder?: string;
  readonly isRoot: boolean;
  /** Whether the sockets for those who only look come first. */
  readonly isReadOnly: boolean;
}

const SCHEME = /^([a-z][a-z0-9-]*)(?:\+([a-z]+))?:\/\//i;
const DRIVERS = ['qemu', 'test'] as const;
const TRANSPORTS = ['unix', 'ssh', 'tls', 'tcp'] as const;
/** "Remote support", the defaults of the daemons. */
const TLS_PORT = 16_514;
const TCP_PORT = 16_509;
const SYSTEM_FOLDER = '/var/run/libvirt';
const PARAMETERS = new Set(['socket', 'mode', 'pkipath', 'keyfile', 'known_hosts', 'known_hosts_verify', 'no_verify', 'proxy', 'no_tty']);
/** Longer than any address that somebody wrote. */
const URI_LENGTH_MAX = 4096;
/** What a name of a host or user is made of; it must not look like an option to ssh. */
const PLAIN_NAME = /^[A-Za-z0-9_.:][A-Za-z0-9_.:%@-]*$/;

/** Whether the text is meant as the address of a libvirt server. */
export const isLibvirtUri = (text: string): boolean => {
  const driver = SCHEME.exec(text)?.[1]?.toLowerCase();
  return DRIVERS.some((known) => known === driver);
};

/** Fails with `usage/invalid`, saying what is wrong with it. */
export function parseLibvirtUri(text: string, surroundings: UriSurroundings): LibvirtAddress {
  if (text.length > URI_LENGTH_MAX || /[\p{Cc}\s]/u.test(text)) throw wrong(text, 'it is too long or has spaces or control characters in it');
  const scheme = SCHEME.exec(text);
  if (!scheme) throw wrong(text, 'it does not begin with a driver and ://, such as qemu:///system');
  const driver = DRIVERS.find((known) => known === scheme[1]?.toLowerCase());
  if (!driver) throw wrong(text, `the driver ${JSON.stringify(scheme[1])} is not supported; ${DRIVERS.join(' and ')} are`);
  const url = URL.parse(text.replace(SCHEME, 'libvirt://'));
  if (!url) throw wrong(text, 'host or port in it are not right');
  if (url.password !== '') throw wrong(text, 'a password has no place in an address');
  for (const name of url.searchParams.keys()) if (!PARAMETERS.has(name)) throw wrong(text, `the parameter ${JSON.stringify(name)} is not known`);
  const path = pathOf(text, driver, url);
  return { localUri: `${driver}://${path}`, transport: toTransport(text, url, { named: scheme[2], path, surroundings }) };
}

function pathOf(text: string, driver: (typeof DRIVERS)[number], url: URL): string {
  if (driver === 'test') {
    if (url.pathname !== '/default') throw wrong(text, 'a server opens only /default of the test driver');
    return url.pathname;
  }
  if (url.pathname !== '/system' && url.pathname !== '/session') throw wrong(text, 'after the host comes /system or /session');
  return url.pathname;
}

function toTransport(
  text: string,
  url: URL,
  { named, path, surroundings }: { readonly named: string | undefined; readonly path: string; readonly surroundings: UriSurroundings },
): LibvirtTransport {
  const host = decoded(text, url.hostname).replace(/^\[(.*)\]$/, '$1');
  const kind = TRANSPORTS.find((known) => known === (named?.toLowerCase() ?? (host === '' ? 'unix' : 'tls')));
  if (!kind) throw wrong(text, `the transport ${JSON.stringify(named)} is not supported; ${TRANSPORTS.join(', ')} are`);
  if (kind === 'unix') {
    if (host !== '') throw wrong(text, 'a socket of this machine has no host: write three slashes');
    return { kind, sockets: socketsOf(text, url, { path, surroundings }) };
  }
  if (host === '') throw wrong(text, `it names no host for ${kind}`);
  if (!PLAIN_NAME.test(host)) throw wrong(text, 'its host is not one');
  const port = url.port === '' ? undefined : Number(url.port);
  switch (kind) {
    case 'tcp':
      return { kind, host, port: port ?? TCP_PORT };
    case 'tls': {
      if (on(url, 'no_verify')) throw wrong(text, 'a server that nobody verified is not spoken to; name its thumbprint instead');
      const folder = url.searchParams.get('pkipath');
      return { kind, host, port: port ?? TLS_PORT, ...(folder === null ? {} : { pkiFolder: folder }) };
    }
    case 'ssh':
      return toSsh(text, url, { host, ...(port === undefined ? {} : { port }), path, isReadOnly: surroundings.isReadOnly });
  }
}

/** The socket of the one daemon for everything, then that of the daemon for QEMU alone; a link of either kind may be the one that is there. */
function socketsOf(
  text: string,
  url: URL,
  { path, surroundings }: { readonly path: string; readonly surroundings: UriSurroundings },
): readonly string[] {
  const socket = url.searchParams.get('socket');
  if (socket !== null) {
    if (!socket.startsWith('/')) throw wrong(text, 'the parameter "socket" has to be a path that begins with a slash');
    return [socket];
  }
  const isSystem = path === '/system' || (path === '/default' && surroundings.isRoot);
  if (!isSystem && surroundings.runtimeFolder === undefined)
    throw wrong(text, "the folder of this user's sockets is not known (XDG_RUNTIME_DIR is not set); name the socket with ?socket=PATH");
  const folder = isSystem ? SYSTEM_FOLDER : `${surroundings.runtimeFolder}/libvirt`;
  const daemons = url.searchParams.get('mode') === 'direct' ? ['virtqemud-sock'] : ['libvirt-sock', 'virtqemud-sock'];
  const sockets = daemons.map((name) => `${folder}/${name}`);
  // A user's own daemon has no second socket: whoever reaches it may do everything.
  return isSystem && surroundings.isReadOnly ? [...sockets.map((socket) => `${socket}-ro`), ...sockets] : sockets;
}

function toSsh(
  text: string,
  url: URL,
  o: { readonly host: string; readonly port?: number; readonly path: string; readonly isReadOnly: boolean },
): SshTransport {
  const user = decoded(text, url.username);
  if (user !== '' && !PLAIN_NAME.test(user)) throw wrong(text, 'its user is not one');
  const proxy = url.searchParams.get('proxy') ?? 'auto';
  if (proxy !== 'auto' && proxy !== 'native' && proxy !== 'netcat') throw wrong(text, 'proxy is auto, native or netcat');
  const keyFile = url.searchParams.get('keyfile');
  const knownHosts = url.searchParams.get('known_hosts');
  const socket = url.searchParams.get('socket');
  if (socket === null && o.path === '/session' && proxy === 'netcat')
    throw wrong(text, 'netcat needs to be told the socket of a session: ?socket=PATH');
  return {
    kind: 'ssh',
    host: o.host,
    ...(o.port === undefined ? {} : { port: o.port }),
    ...(user === '' ? {} : { user }),
    ...(keyFile === null ? {} : { keyFile }),
    ...(knownHosts === null ? {} : { knownHostsFile: knownHosts }),
    verifiesHost: !on(url, 'no_verify') && url.searchParams.get('known_hosts_verify') !== 'ignore',
    socket: socket ?? `${SYSTEM_FOLDER}/libvirt-sock${o.isReadOnly ? '-ro' : ''}`,
    proxy: socket === null ? proxy : 'netcat',
  };
}

const on = (url: URL, name: string): boolean => !['0', '', undefined].includes(url.searchParams.get(name) ?? undefined);

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrong(text, 'a percent sign in it stands for nothing');
  }
}

const wrong = (text: string, why: string): HyperError =>
  new HyperError('usage/invalid', `${JSON.stringify(text.slice(0, 200))} is no address of a libvirt server: ${why}.`);
