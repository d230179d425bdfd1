import { imageFormats, type ImageFormat } from '@hypersdk/domain';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { outputFlags, type OutputFlags } from '../flags/output-flags.ts';
import { countParser, parseText } from '../flags/parsers.ts';
import { referenceFlags, type ReferenceFlags } from '../flags/reference-flags.ts';
import { keyFlags, type KeyFlags } from '../flags/key-flags.ts';
import { remoteFlags, type RemoteFlags } from '../flags/remote-flags.ts';
import { parseListen, type ListenAddress } from '../serve/parse-listen.ts';

export interface ServeFlags extends OutputFlags, ReferenceFlags, RemoteFlags, KeyFlags {
  readonly socket?: string;
  readonly listen?: ListenAddress;
  readonly export?: string;
  readonly readOnly?: boolean;
  readonly overlay?: boolean;
  readonly writable?: boolean;
  readonly tlsCertificates?: string;
  readonly tlsVerifyClients?: boolean;
  readonly tlsPsk?: string;
  readonly clients: number;
  readonly sourceFormat?: ImageFormat;
}

/** Beyond so many clients one machine serves nobody well. */
const CLIENTS_MAX = 1024;
const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

export const serveCommand = buildCommand<ServeFlags, [string], CliContext>({
  docs: {
    brief: 'Offer a disk image to other programs over NBD',
    fullDescription: `Prints the address and serves until it is stopped with Ctrl-C. The image is
not changed: it is read-only, or with --overlay takes writes that are dropped at
the end. With --writable a raw image itself is written: what a client flushes is
on the medium, and nobody else can write to it meanwhile. It listens on
127.0.0.1 unless --listen or --socket says otherwise. A disk on another server
is passed on.

EXAMPLES
  hyperexport serve disk.vmdk
  hyperexport serve disk.qcow2 --socket /run/disk.sock --export web-01
  hyperexport serve disk.qcow2 --overlay --listen 127.0.0.1:10810
  hyperexport serve disk.raw --writable --socket /run/disk.sock
  hyperexport serve https://images.example.org/debian.qcow2 --overlay
  hyperexport serve disk.vhdx --listen 0.0.0.0:10809 --tls-certificates /etc/nbd`,
  },
  parameters: {
    flags: {
      socket: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'PATH', brief: 'Listen on this UNIX socket' },
      listen: { kind: 'parsed', optional: true, parse: parseListen, placeholder: 'HOST:PORT', brief: 'Listen here; port 0 takes a free one' },
      export: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'NAME', brief: 'Name of the export (the default one)' },
      readOnly: { ...onOff, brief: 'Refuse writes (as without the next two)' },
      overlay: { ...onOff, brief: 'Take writes, and drop them at the end' },
      writable: { ...onOff, brief: 'Take writes into the image itself; raw images only' },
      tlsCertificates: {
        kind: 'parsed',
        optional: true,
        parse: parseText,
        placeholder: 'DIR',
        brief: 'TLS with server-cert.pem, server-key.pem in DIR',
      },
      tlsVerifyClients: { ...onOff, brief: 'Only clients whom ca-cert.pem in DIR vouches for' },
      tlsPsk: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'FILE', brief: 'TLS with the keys in FILE' },
      clients: { kind: 'parsed', parse: countParser({ min: 1, max: CLIENTS_MAX }), default: '16', placeholder: 'N', brief: 'Connections at a time' },
      sourceFormat: { kind: 'enum', optional: true, values: imageFormats, brief: 'Insist on this format' },
      ...referenceFlags,
      ...remoteFlags,
      ...keyFlags,
      ...outputFlags,
    },
    positional: { kind: 'tuple', parameters: [{ parse: parseText, placeholder: 'IMAGE', brief: 'Disk image, or address (https:, nbd:) of one' }] },
  },
  loader: async () => (await import('../serve/run-serve.ts')).runServe,
});
