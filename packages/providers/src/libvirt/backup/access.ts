import type { LibvirtTransport } from '../libvirt-uri.ts';

/** What is known of a connection before there is a backup. */
export interface Access {
  readonly transport: LibvirtTransport;
  /** The server's, as this machine reached it. */
  readonly remoteAddress?: string;
  readonly allowsPlaintext: boolean;
}

/** A socket for both versions of IP writes addresses of the old one as mapped ones. */
export const plainAddress = ({ remoteAddress = '' }: Access): string => remoteAddress.replace(/^::ffff:/, '');
