import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** An authority, a server on loopback and a client, in the folder and under the names that libvirt's `pkipath` means. */
export async function makeCertificates(folder: string): Promise<{ readonly thumbprint: string }> {
  await mkdir(folder, { recursive: true });
  const certtool = (...args: readonly string[]): void => {
    execFileSync('certtool', args, { cwd: folder, stdio: ['ignore', 'ignore', 'ignore'] });
  };
  const templates = {
    ca: 'cn = "Test authority"\nca\ncert_signing_key\n',
    server: 'cn = "localhost"\ndns_name = "localhost"\nip_address = "127.0.0.1"\ntls_www_server\nsigning_key\nencryption_key\n',
    client: 'cn = "Test client"\ntls_www_client\nsigning_key\nencryption_key\n',
  };
  for (const [name, template] of Object.entries(templates)) {
    await writeFile(join(folder, `${name}.cfg`), template);
    // libvirt takes only certificates whose keys may encipher other keys: those of RSA.
    certtool('--generate-privkey', '--rsa', '--bits', '2048', '--outfile', `${name}key.pem`);
    const own = ['--load-privkey', `${name}key.pem`, '--template', `${name}.cfg`, '--outfile', `${name}cert.pem`];
    if (name === 'ca') certtool('--generate-self-signed', ...own);
    else certtool('--generate-certificate', '--load-ca-certificate', 'cacert.pem', '--load-ca-privkey', 'cakey.pem', ...own);
  }
  const said = execFileSync('openssl', ['x509', '-in', 'servercert.pem', '-noout', '-fingerprint', '-sha256'], { cwd: folder, encoding: 'utf8' });
  return { thumbprint: said.split('=')[1]?.trim() ?? '' };
}
