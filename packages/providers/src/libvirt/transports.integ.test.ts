import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { calm, expectRefusal, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates } from './build-certificates.ts';
import { type Libvirtd, openLibvirtd } from './build-libvirtd.ts';
import { openNetworkLibvirtd } from './build-network-libvirtd.ts';
import { freePort, openSshd, type Sshd } from './build-sshd.ts';
import type { LibvirtConfig } from './libvirt-config.ts';
import { openConnection } from './libvirt-connection.ts';
import { libvirtProvider } from './libvirt-provider.ts';
import { procedures } from './rpc/procedures.ts';

const TIMEOUT_MS = 60_000;

/** What the server says of itself over the connection that the configuration means. */
async function visit(config: Partial<LibvirtConfig> & Pick<LibvirtConfig, 'uri'>): Promise<string> {
  await using connection = await openConnection(libvirtProvider.parse(config), calm);
  const { uri } = await connection.client.call(procedures.getUri, {}, calm);
  return uri;
}

describe.skipIf(missing('libvirtd', 'virsh', 'certtool', 'openssl'))(
  'a libvirt daemon behind sockets of the network',
  { timeout: TIMEOUT_MS },
  () => {
    const opened = new AsyncDisposableStack();
    let [pki, tlsPort, tcpPort, thumbprint] = ['', 0, 0, ''];

    beforeAll(async () => {
      ({ pki, tlsPort, tcpPort, thumbprint } = opened.use(await openNetworkLibvirtd()));
    });
    afterAll(() => opened.disposeAsync());

    test('TLS with certificates of both sides', async () => {
      expect(await visit({ uri: `qemu+tls://localhost:${tlsPort}/session?pkipath=${pki}` })).toBe('qemu:///session');
      expect(await visit({ uri: `qemu+tls://127.0.0.1:${tlsPort}/session?pkipath=${pki}` })).toBe('qemu:///session');
    });

    test('a server that is known by its thumbprint needs no authority, and no other is taken for it', async () => {
      expect(await visit({ uri: `qemu+tls://localhost:${tlsPort}/session?pkipath=${pki}`, thumbprint })).toBe('qemu:///session');
      const refusal = await expectRefusal(
        visit({ uri: `qemu+tls://localhost:${tlsPort}/session?pkipath=${pki}`, thumbprint: '0'.repeat(64) }),
        'libvirt/tls-failed',
      );
      expect(refusal.message).toContain(thumbprint.replaceAll(':', '').toLowerCase());
    });

    test('a server whose authority is not known is not spoken to', async () => {
      const refusal = await expectRefusal(visit({ uri: `qemu+tls://localhost:${tlsPort}/session?pkipath=/nowhere` }), 'libvirt/tls-failed');
      expect(refusal.message).toMatch(/self-signed|unable to|certificate/);
    });

    test('a client without a certificate is told that it was not accepted', async () => {
      const bare = join(pki, 'bare');
      execFileSync('mkdir', ['-p', bare]);
      execFileSync('cp', [join(pki, 'cacert.pem'), bare]);
      const refusal = await expectRefusal(visit({ uri: `qemu+tls://localhost:${tlsPort}/session?pkipath=${bare}` }), 'libvirt/tls-failed');
      expect(refusal.message).toMatch(/did not accept this client|could not be agreed/);
    });

    test('plain TCP is for loopback, where nobody is between', async () => {
      expect(await visit({ uri: `qemu+tcp://127.0.0.1:${tcpPort}/session` })).toBe('qemu:///session');
    });

    test('a port where nobody listens, and one where somebody else does', async () => {
      await expectRefusal(visit({ uri: `qemu+tcp://127.0.0.1:${await freePort()}/session` }), 'libvirt/unreachable');
      await expectRefusal(visit({ uri: `qemu+tls://localhost:${tcpPort}/session?pkipath=${pki}` }), 'libvirt/tls-failed');
      const closed = visit({ uri: `qemu+tcp://127.0.0.1:${tlsPort}/session` });
      await expectRefusal(closed, 'libvirt/lost', 'libvirt/malformed-reply');
    });
  },
);

describe.skipIf(missing('libvirtd', 'virsh', 'certtool', 'openssl', 'saslpasswd2'))(
  'a libvirt daemon that asks for a password',
  { timeout: TIMEOUT_MS },
  () => {
    const opened = new AsyncDisposableStack();
    let [port, pki, passwordFile, wrongFile] = [0, '', '', ''];

    beforeAll(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'hypersdk-sasl-'));
      opened.defer(() => rm(folder, { recursive: true }));
      [port, pki] = [await freePort(), join(folder, 'pki')];
      await makeCertificates(pki);
      const database = join(folder, 'sasldb2');
      execFileSync('saslpasswd2', ['-p', '-c', '-f', database, '-a', 'libvirt', '-u', hostname(), 'ops'], { input: 'a secret, "quoted"' });
      await writeFile(join(folder, 'libvirt.conf'), `mech_list: scram-sha-256\nsasldb_path: ${database}\n`);
      [passwordFile, wrongFile] = [join(folder, 'password'), join(folder, 'wrong')];
      await writeFile(passwordFile, 'a secret, "quoted"\n', { mode: 0o600 });
      await writeFile(wrongFile, 'another\n', { mode: 0o600 });
      execFileSync('chmod', ['-R', 'a+rX', folder]);
      const config = [
        'listen_tcp = 0',
        'listen_addr = "127.0.0.1"',
        `tls_port = "${port}"`,
        'auth_tls = "sasl"',
        `ca_file = "${pki}/cacert.pem"`,
        `cert_file = "${pki}/servercert.pem"`,
        `key_file = "${pki}/serverkey.pem"`,
      ].join('\n');
      opened.use(await openLibvirtd({ config, args: ['--listen'], ports: [port], environment: { SASL_CONF_PATH: folder } }));
    });
    afterAll(() => opened.disposeAsync());

    const uri = (): string => `qemu+tls://localhost:${port}/session?pkipath=${pki}`;

    test('lets in who knows it, and proves that it knows it too', async () => {
      expect(await visit({ uri: uri(), user: `ops@${hostname()}`, passwordFile })).toBe('qemu:///session');
    });

    test('lets nobody else in', async () => {
      await expectRefusal(visit({ uri: uri(), user: `ops@${hostname()}`, passwordFile: wrongFile }), 'libvirt/forbidden');
      const refusal = await expectRefusal(visit({ uri: uri() }), 'libvirt/forbidden');
      expect(refusal.message).toContain('wants a name and a password');
    });
  },
);

describe.skipIf(missing('libvirtd', 'virsh', 'sshd', 'ssh'))('a libvirt daemon behind SSH', { timeout: TIMEOUT_MS }, () => {
  const opened = new AsyncDisposableStack();
  let daemon: Libvirtd | undefined;
  let sshd: Sshd | undefined;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hypersdk-ssh-'));
    opened.defer(() => rm(folder, { recursive: true }));
    daemon = opened.use(await openLibvirtd());
    sshd = opened.use(await openSshd(join(folder, 'sshd'), daemon.environment));
  });
  afterAll(() => opened.disposeAsync());

  function uriWith(parameters: Readonly<Record<string, string>>, o: { readonly user?: string } = {}): string {
    if (!sshd || !daemon) throw new Error('The servers do not run.');
    const query = new URLSearchParams({ keyfile: sshd.keyFile, known_hosts: sshd.knownHosts, socket: daemon.socket, ...parameters });
    return `qemu+ssh://${o.user ?? sshd.user}@127.0.0.1:${sshd.port}/session?${query}`;
  }

  test('a key that is known leads to the socket of the daemon', async () => {
    expect(await visit({ uri: uriWith({}) })).toBe('qemu:///session');
  });

  test('a key that is not known is told to be', async () => {
    const refusal = await expectRefusal(visit({ uri: uriWith({ keyfile: sshd?.otherKeyFile ?? '' }) }), 'libvirt/forbidden');
    expect(refusal.message).toMatch(/does not let this user in.*Permission denied/);
  });

  test('a host that is not known is not believed', async () => {
    await writeFile(`${sshd?.knownHosts}-none`, '');
    await expectRefusal(visit({ uri: uriWith({ known_hosts: `${sshd?.knownHosts}-none` }) }), 'libvirt/unknown-host');
  });

  test('a socket that is not there is told by the other side', async () => {
    const refusal = await expectRefusal(visit({ uri: uriWith({ socket: '/nowhere/libvirt-sock' }) }), 'libvirt/unreachable');
    expect(refusal.message).toContain('no libvirt daemon answers there');
  });

  test('a connection that is called off ends its ssh', async () => {
    const stop = new AbortController();
    const opening = openConnection(libvirtProvider.parse({ uri: uriWith({}) }), { signal: stop.signal });
    const reason = new Error('called off');
    setTimeout(() => stop.abort(reason), 30);
    await expect(opening).rejects.toBe(reason);
  });
});
