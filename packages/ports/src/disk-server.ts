import type { BlockLocator } from './block.ts';
import type { Cancel } from './cancel.ts';

/** What a server shows of itself. Secrets stay in their files. */
export type ServerTlsFiles =
  | {
      readonly kind: 'certificates';
      /** Folder with `server-cert.pem` and `server-key.pem`. */
      readonly folder: string;
      /** Clients need a certificate that `ca-cert.pem` of the folder signed. */
      readonly asksClients: boolean;
    }
  | {
      readonly kind: 'psk';
      /** Lines of `identity:key`, the key hexadecimal; each identity is a client. */
      readonly file: string;
    };

export interface ServeRequest {
  readonly source: BlockLocator;
  /**
   * `read-only`: nobody writes. `overlay`: writes are kept apart and dropped at the end; the source is never changed.
   * `in-place`: writes go to the image, and what was flushed is on its medium; for raw images here only, any other is refused with `usage/invalid`,
   * and one that another program writes to or relies on with `target/busy`.
   */
  readonly access: 'read-only' | 'overlay' | 'in-place';
  readonly exportName: string;
  /** A port of 0 takes one that is free. */
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
  readonly tls?: ServerTlsFiles;
  readonly connectionsMax: number;
}

/** A disk while it is served. Disposal hangs up on everybody, drops what was written and removes the socket. */
export interface ServedDisk extends AsyncDisposable {
  /** What clients connect to. */
  readonly uri: string;
  readonly virtualSize: number;
}

/** Offers disks to other programs over NBD. */
export interface DiskServer {
  /** Settles when clients can connect. */
  serve(request: ServeRequest, o: Cancel): Promise<ServedDisk>;
}
