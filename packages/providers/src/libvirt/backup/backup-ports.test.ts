import { HyperError } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { explainPort, FIRST_PORT, isPortTaken, LAST_PORT, portsToTry } from './backup-ports.ts';
import { leadsTo, requireRoad } from './open-road.ts';

const TLS = { kind: 'tls', host: 'kvm-1', port: 16_514 } as const;
const TCP = { kind: 'tcp', host: 'kvm-1', port: 16_509 } as const;
const SOCKET = { kind: 'unix', sockets: ['/run/libvirt/libvirt-sock'] } as const;
const access = { transport: TLS, remoteAddress: '::ffff:192.0.2.7', allowsPlaintext: false };

const refusal = (message: string): HyperError => new HyperError('libvirt/failed', message, { detail: { libvirtCode: 1 } });

describe('where a backup listens', () => {
  test('over the network at some of the ports that are known to be open, each once, at the address that was reached', () => {
    const ports = portsToTry(access);
    expect(ports).toHaveLength(16);
    expect(new Set(ports.map((port) => port?.port)).size).toBe(16);
    for (const port of ports) {
      expect(port).toMatchObject({ address: '192.0.2.7', isTls: true });
      expect(port?.port).toBeGreaterThanOrEqual(FIRST_PORT);
      expect(port?.port).toBeLessThanOrEqual(LAST_PORT);
    }
    expect(portsToTry({ ...access, transport: TCP })[0]?.isTls).toBe(false);
  });

  test('on this machine and through SSH at its socket', () => {
    expect(portsToTry({ transport: SOCKET, allowsPlaintext: false })).toEqual([undefined]);
  });

  test('in plain text only where that is allowed by name', () => {
    expect(() => requireRoad({ ...access, transport: TCP })).toThrow(expect.objectContaining({ code: 'libvirt/plaintext-refused' }));
    expect(() => requireRoad({ ...access, transport: TCP, allowsPlaintext: true })).not.toThrow();
    expect(() => requireRoad(access)).not.toThrow();
  });

  test('a backup that listens at another machine than the server is not called', () => {
    const elsewhere = { disks: [], port: { address: '198.51.100.1', port: FIRST_PORT, isTls: true } };
    expect(leadsTo(access, elsewhere)).toBe(false);
  });

  test.each([
    { transport: TLS, isTls: true },
    { transport: TCP, isTls: false },
  ])('a backup that was begun over another connection is not read over $transport.kind', ({ transport, isTls }) => {
    const at = (byTls: boolean) => ({ disks: [], port: { address: '192.0.2.7', port: FIRST_PORT, isTls: byTls } });
    expect(leadsTo({ ...access, transport }, at(isTls))).toBe(true);
    expect(leadsTo({ ...access, transport }, at(!isTls))).toBe(false);
    expect(leadsTo({ ...access, transport }, { disks: [], socket: '/x.sock' })).toBe(false);
    expect(leadsTo({ ...access, transport: SOCKET }, at(true))).toBe(false);
  });
});

describe('why a backup does not listen', () => {
  test('a port that is taken is known by the words of QEMU', () => {
    expect(isPortTaken(refusal('nbd-server-start: Failed to find an available port: Address already in use.'))).toBe(true);
    expect(isPortTaken(refusal('nbd-server-start: Permission denied.'))).toBe(false);
    expect(isPortTaken(new Error('Address already in use'))).toBe(false);
  });

  test.each([
    ['Unable to access credentials /etc/pki/qemu/ca-cert.pem: No such file', 'libvirt/tls-failed', 'backup_tls_x509_cert_dir'],
    ['Failed to bind socket: Cannot assign requested address', 'nbd/unreachable', 'qemu+ssh://'],
    ['Failed to find an available port: Address already in use', 'nbd/refused', `${FIRST_PORT}-${LAST_PORT}`],
    ['the disk is full', 'libvirt/failed', 'the disk is full'],
  ] as const)('"%s" is told as what it means', (message, code, words) => {
    expect(explainPort(refusal(message), TLS)).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  test('what did not come from the server, or has no port, is told as it is', () => {
    const error = new Error('x509');
    expect(explainPort(error, TLS)).toBe(error);
    const refused = refusal('x509');
    expect(explainPort(refused, SOCKET)).toBe(refused);
  });
});
