import type { RemoteLook } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

/** How to know a server, and be known by it. Secrets stay in their files. */
export type NbdTlsFiles =
  | {
      readonly kind: 'certificates';
      /** Folder with `ca-cert.pem` and, where the server asks for them, `client-cert.pem` and `client-key.pem`; absent: the authorities that the system trusts. */
      readonly folder?: string;
      /** Paths of the same three, where they lie under other names. A file that is not there is done without. */
      readonly files?: { readonly authority: string; readonly certificate: string; readonly key: string };
      /** What the server's certificate has to be for. */
      readonly serverName: string;
      readonly verifies: boolean;
    }
  | {
      readonly kind: 'psk';
      /** Lines of `identity:key`, the key hexadecimal. */
      readonly file: string;
      readonly identity: string;
    };

/** An export of an NBD server at one point in time. Plain data, from which any thread can open it again. */
export interface NbdLocator {
  readonly kind: 'nbd';
  readonly server: { readonly host: string; readonly port: number } | { readonly path: string };
  /** Empty: the server's default. */
  readonly exportName: string;
  readonly tls?: NbdTlsFiles;
  /** A server on another machine may be read without TLS. */
  readonly allowsPlaintext: boolean;
  /** A context such as `qemu:dirty-bitmap:NAME`: only what it marks holds data, everything else counts as holes. */
  readonly bitmap?: string;
  /** One connection only, even when the server takes several. */
  readonly isSingle: boolean;
  /** Names the content that the export has now. Equal names are a promise of whoever chose them: nothing in the protocol tells whether an export was written. */
  readonly pointInTime: string;
}

/** What a server says of an export. Sizes are bytes. */
export interface RemoteDiskInfo {
  readonly exportName: string;
  readonly description?: string;
  readonly virtualSize: number;
  /** Bytes that hold data; absent when the server cannot tell. */
  readonly allocatedSize?: number;
  readonly isReadOnly: boolean;
  /** What lies on it, when that was asked for. */
  readonly look?: RemoteLook;
  /** Facts in the protocol's own words, for people. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

export interface RemoteChoices {
  readonly allowsPlaintext: boolean;
  readonly isSingle?: boolean;
  readonly pointInTime: string;
}

/** Disks that are read from a server under an address, `nbd://HOST/EXPORT` and its kin. */
export interface RemoteDisks {
  /** Reads an address; undefined when the text is none but, presumably, a path. A wrong address is refused with `usage/invalid`. Touches nothing. */
  locate(text: string, o: RemoteChoices): NbdLocator | undefined;
  /** Over one connection. With `looks`, what lies on the disk too, as for images; within 20 seconds and 64 MiB of reading. */
  inspect(locator: NbdLocator, o: Cancel & { readonly looks?: boolean }): Promise<RemoteDiskInfo>;
  /** What the server offers beside this export. */
  list(locator: NbdLocator, o: Cancel): Promise<readonly { readonly name: string; readonly description: string }[]>;
  /** Identifies the content by the export's name and the point in time that the locator names. Touches nothing. */
  mark(locator: NbdLocator): string;
}
