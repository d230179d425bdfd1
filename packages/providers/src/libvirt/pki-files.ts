import { join } from 'node:path';
import type { LibvirtTransport } from './libvirt-uri.ts';

/** libvirt, "TLS setup": where its own programs look. */
const PKI_FOLDER = '/etc/pki/libvirt';
const AUTHORITY_FILE = '/etc/pki/CA/cacert.pem';

/** Paths of what this machine knows a server by, and is known by, whether the files are there or not. */
export function pkiFiles(transport: Pick<LibvirtTransport, 'kind'> & { readonly pkiFolder?: string }): {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
} {
  const folder = transport.pkiFolder;
  return {
    authority: folder === undefined ? AUTHORITY_FILE : join(folder, 'cacert.pem'),
    certificate: join(folder ?? PKI_FOLDER, 'clientcert.pem'),
    key: join(folder ?? PKI_FOLDER, folder === undefined ? 'private/clientkey.pem' : 'clientkey.pem'),
  };
}
