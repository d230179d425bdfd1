// The NBD URI format (NetworkBlockDevice/nbd, doc/uri.md), with the TLS parameters that libnbd adds.
import { HyperError } from '@hypersdk/domain';
import type { NbdLocator, NbdTlsFiles, RemoteChoices } from '@hypersdk/ports';
import { NBD_PORT } from '@hypersdk/wire';

const SCHEME = /^(nbds?)(\+unix)?:/i;
const PARAMETERS = new Set(['socket', 'tls-certificates', 'tls-hostname', 'tls-psk-file', 'tls-username', 'tls-verify-peer', 'x-bitmap']);

/** Undefined when the text has another scheme, or none. */
export function parseNbdUri(text: string, o: RemoteChoices): NbdLocator | undefined {
  const scheme = SCHEME.exec(text);
  if (!scheme) return undefined;
  // The URL standard knows no user without a host; a UNIX socket has one.
  const [, start, user, rest] = /^([^:/]+:\/\/)([^/@:]+)@(\/.*)$/.exec(text) ?? [];
  const url = URL.parse(rest === undefined ? text : `${start}${rest}`);
  if (!url) throw wrong(text, 'it is no URI');
  const parameters = url.searchParams;
  for (const name of parameters.keys()) if (!PARAMETERS.has(name)) throw wrong(text, `the parameter ${JSON.stringify(name)} is not known`);
  if (url.hash !== '' || url.password !== '') throw wrong(text, 'it has parts that such an address does not have');
  const isSecure = scheme[1]?.toLowerCase() === 'nbds';
  if (!isSecure && [...parameters.keys()].some((name) => name.startsWith('tls-')))
    throw wrong(text, 'it names TLS parameters without asking for TLS; use nbds');
  const server = scheme[2] ? toSocket(text, url) : toHost(text, url);
  const bitmap = parameters.get('x-bitmap');
  return {
    kind: 'nbd',
    server,
    exportName: decoded(text, url.pathname.replace(/^\//, '')),
    ...(isSecure ? { tls: toTls(text, url, { host: 'host' in server ? server.host : 'localhost', user: user ?? url.username }) } : {}),
    allowsPlaintext: o.allowsPlaintext,
    ...(bitmap === null ? {} : { bitmap }),
    isSingle: o.isSingle ?? false,
    pointInTime: o.pointInTime,
  };
}

function toSocket(text: string, url: URL): NbdLocator['server'] {
  const path = url.searchParams.get('socket');
  if (!path) throw wrong(text, 'the parameter "socket" has to name the socket');
  if (url.host !== '') throw wrong(text, 'a UNIX socket has no host: write three slashes');
  return { path };
}

function toHost(text: string, url: URL): NbdLocator['server'] {
  if (url.searchParams.has('socket')) throw wrong(text, 'a socket goes with nbd+unix');
  if (url.hostname === '') throw wrong(text, 'it names no host');
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port === '' ? NBD_PORT : Number(url.port) };
}

function toTls(text: string, url: URL, { host, user }: { readonly host: string; readonly user: string }): NbdTlsFiles {
  const parameters = url.searchParams;
  const pskFile = parameters.get('tls-psk-file');
  if (pskFile !== null) {
    const identity = user === '' ? (parameters.get('tls-username') ?? '') : decoded(text, user);
    if (identity === '') throw wrong(text, 'a pre-shared key needs a name: nbds://NAME@HOST/');
    return { kind: 'psk', file: pskFile, identity };
  }
  const folder = parameters.get('tls-certificates');
  const verifies = parameters.get('tls-verify-peer') ?? '1';
  if (!['0', '1', 'true', 'false'].includes(verifies)) throw wrong(text, 'tls-verify-peer is 0 or 1');
  return {
    kind: 'certificates',
    ...(folder === null ? {} : { folder }),
    serverName: parameters.get('tls-hostname') ?? host,
    verifies: verifies === '1' || verifies === 'true',
  };
}

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrong(text, 'a percent sign in it stands for nothing');
  }
}

const wrong = (text: string, why: string): HyperError =>
  new HyperError('usage/invalid', `${JSON.stringify(text)} is no address of an NBD export: ${why}`);
