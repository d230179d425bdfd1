import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificates } from './build-certificates.ts';
import { type Libvirtd, openLibvirtd } from './build-libvirtd.ts';
import { freePort } from './build-sshd.ts';

export interface NetworkLibvirtd extends AsyncDisposable {
  readonly daemon: Libvirtd;
  /** Certificates of the client and of the authority, as `pkipath` means it. */
  readonly pki: string;
  /** What QEMU serves disks with. */
  readonly qemuPki: string;
  readonly tlsPort: number;
  readonly tcpPort: number;
  readonly tlsUri: string;
  readonly tcpUri: string;
  readonly thumbprint: string;
}

/** A daemon that listens on loopback, with TLS and without, and whose QEMU has certificates for backups. */
export async function openNetworkLibvirtd(): Promise<NetworkLibvirtd> {
  await using opened = new AsyncDisposableStack();
  const pki = await mkdtemp(join(tmpdir(), 'hypersdk-pki-'));
  opened.defer(() => rm(pki, { recursive: true }));
  const { thumbprint } = await makeCertificates(pki);
  const qemuPki = join(pki, 'qemu');
  await mkdir(qemuPki);
  for (const [from, to] of [
    ['cacert.pem', 'ca-cert.pem'],
    ['servercert.pem', 'server-cert.pem'],
    ['serverkey.pem', 'server-key.pem'],
  ] as const)
    await copyFile(join(pki, from), join(qemuPki, to));
  execFileSync('chmod', ['-R', 'a+rX', pki]);
  const [tlsPort, tcpPort] = [await freePort(), await freePort()];
  const config = [
    'listen_tls = 1',
    'listen_tcp = 1',
    'listen_addr = "127.0.0.1"',
    `tls_port = "${tlsPort}"`,
    `tcp_port = "${tcpPort}"`,
    'auth_tcp = "none"',
    `ca_file = "${pki}/cacert.pem"`,
    `cert_file = "${pki}/servercert.pem"`,
    `key_file = "${pki}/serverkey.pem"`,
  ];
  const qemuConfig = `backup_tls_x509_cert_dir = "${qemuPki}"\n`;
  const daemon = opened.use(await openLibvirtd({ config: config.join('\n'), qemuConfig, args: ['--listen'], ports: [tlsPort, tcpPort] }));
  const kept = opened.move();
  return {
    daemon,
    pki,
    qemuPki,
    thumbprint,
    tlsPort,
    tcpPort,
    tlsUri: `qemu+tls://localhost:${tlsPort}/session?pkipath=${pki}`,
    tcpUri: `qemu+tcp://127.0.0.1:${tcpPort}/session`,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
