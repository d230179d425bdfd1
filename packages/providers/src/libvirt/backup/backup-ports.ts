// libvirt, "Backup XML format", server: it chooses no port by itself ("must specify TCP port for now").
import { randomInt } from 'node:crypto';
import { HyperError } from '@hypersdk/domain';
import type { LibvirtTransport } from '../libvirt-uri.ts';
import type { ServedPort } from './backup-xml.ts';
import { type Access, plainAddress } from './access.ts';

/** From the port of NBD on: as many as a host has backups at once, and few enough to open in a firewall. */
export const FIRST_PORT = 10_809;
export const LAST_PORT = 10_872;

/** A guest is frozen for each try: where as many ports are taken, waiting helps more than trying does. */
const TRIES_MAX = 16;

/**
 * Where a backup is to listen, each place to be tried when the one before is taken; undefined: at its socket. In an order that nobody else has, so that those that
 * begin at once are not all after the same port.
 */
export function portsToTry(access: Access): readonly (ServedPort | undefined)[] {
  const { transport } = access;
  if (transport.kind !== 'tls' && transport.kind !== 'tcp') return [undefined];
  const ports = Array.from({ length: LAST_PORT - FIRST_PORT + 1 }, (_, index) => ({ port: FIRST_PORT + index, place: randomInt(2 ** 32) }));
  const address = plainAddress(access);
  return ports
    .toSorted((a, b) => a.place - b.place)
    .slice(0, TRIES_MAX)
    .map(({ port }) => ({ address, port, isTls: transport.kind === 'tls' }));
}

/** QEMU, `inet_listen`. */
export const isPortTaken = (error: unknown): boolean => error instanceof HyperError && /address already in use/i.test(error.message);

/** What a server that does not serve a backup at a port most likely lacks. */
export function explainPort(error: unknown, transport: LibvirtTransport): unknown {
  if (!(error instanceof HyperError) || error.detail['libvirtCode'] === undefined || (transport.kind !== 'tls' && transport.kind !== 'tcp'))
    return error;
  const { host } = transport;
  if (isPortTaken(error))
    return new HyperError(
      'nbd/refused',
      `QEMU at ${host} finds no free port among ${FIRST_PORT}-${LAST_PORT} to show the disks at: wait until other exports from there have ended.`,
      { cause: error, detail: error.detail },
    );
  if (transport.kind === 'tls' && /x509|credentials|certificate|cert_dir|\btls\b/i.test(error.message))
    return new HyperError(
      'libvirt/tls-failed',
      `QEMU at ${host} cannot show disks by TLS; put server-cert.pem, server-key.pem and ca-cert.pem into the folder that backup_tls_x509_cert_dir in /etc/libvirt/qemu.conf names: ${error.message}`,
      { cause: error, detail: error.detail },
    );
  if (/cannot assign requested address/i.test(error.message))
    return new HyperError(
      'nbd/unreachable',
      `The machine does not have the address at which ${host} is reached, so its QEMU cannot listen there; use qemu+ssh://: ${error.message}`,
      { cause: error, detail: error.detail },
    );
  return error;
}
