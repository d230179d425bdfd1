import { isIP } from 'node:net';
import type { ConnectionOptions, PSKCallbackNegotation, TlsOptions } from 'node:tls';

/** How a client proves itself and what it asks of the server. */
export type NbdTls = CertificateTls | PskTls;

export interface CertificateTls {
  readonly kind: 'certificates';
  /** PEM of the authority that signed the server's certificate; absent: those that the system trusts. */
  readonly authority?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** What the server's certificate has to be for. */
  readonly serverName: string;
  /** False: anybody is believed to be the server. */
  readonly verifies: boolean;
}

export interface PskTls {
  readonly kind: 'psk';
  readonly identity: string;
  readonly key: Uint8Array;
}

/** Ciphers that need no certificate. Node leaves them out unless they are named. */
const PSK_CIPHERS =
  'ECDHE-PSK-CHACHA20-POLY1305:ECDHE-PSK-AES256-CBC-SHA384:DHE-PSK-AES256-GCM-SHA384:DHE-PSK-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384:PSK-AES128-GCM-SHA256';
/** GnuTLS on the other side does not take OpenSSL's pre-shared keys of TLS 1.3 with every hash; 1.2 works with all. */
const PSK_VERSION = 'TLSv1.2';

export function toSecureOptions(tls: NbdTls): ConnectionOptions {
  if (tls.kind === 'psk') {
    return {
      ciphers: PSK_CIPHERS,
      maxVersion: PSK_VERSION,
      // The key proves the server; there is no certificate to look at.
      checkServerIdentity: () => undefined,
      rejectUnauthorized: false,
      pskCallback: (): PSKCallbackNegotation => ({ identity: tls.identity, psk: tls.key }),
    };
  }
  return {
    ...(tls.authority === undefined ? {} : { ca: tls.authority }),
    ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    // RFC 6066 §3: addresses are no server names.
    ...(isIP(tls.serverName) ? { host: tls.serverName } : { servername: tls.serverName }),
    rejectUnauthorized: tls.verifies,
  };
}

/** What a server shows, and what it asks of clients. */
export type ServerSecrets =
  | {
      readonly kind: 'certificates';
      readonly certificate: string;
      readonly key: string;
      /** Clients without a certificate of this authority are turned away; absent: every client is taken. */
      readonly clientAuthority?: string;
    }
  | { readonly kind: 'psk'; readonly keys: ReadonlyMap<string, Uint8Array> };

export function toServerOptions(secrets: ServerSecrets): TlsOptions {
  if (secrets.kind === 'psk') {
    return { ciphers: PSK_CIPHERS, maxVersion: PSK_VERSION, pskCallback: (_socket, identity) => secrets.keys.get(identity) ?? null };
  }
  const { certificate, key, clientAuthority } = secrets;
  const asks = clientAuthority !== undefined;
  return { cert: certificate, key, ...(asks ? { ca: clientAuthority } : {}), requestCert: asks, rejectUnauthorized: asks };
}
