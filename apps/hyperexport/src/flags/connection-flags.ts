import { resolve } from 'node:path';
import { parseText } from './parsers.ts';

/** How a hypervisor's own server is spoken to. */
export interface ConnectionFlags {
  readonly allowPlaintext?: boolean;
  readonly thumbprint?: string;
  readonly user?: string;
  readonly passwordFile?: string;
}

/** For whoever makes something there. */
export interface WorkFlags extends ConnectionFlags {
  readonly scratch?: string;
}

export const connectionFlags = {
  allowPlaintext: { kind: 'boolean', optional: true, withNegated: false, brief: 'Speak to other machines without TLS or SSH' },
  thumbprint: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'SHA256', brief: "Believe the server by its certificate's hash" },
  user: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'NAME', brief: 'Who logs in, where a server asks' },
  passwordFile: {
    kind: 'parsed',
    optional: true,
    parse: (text: string): string => resolve(parseText(text)),
    placeholder: 'FILE',
    brief: 'The password of --user, in a file',
  },
} as const;

export const scratchFlag = {
  kind: 'parsed',
  optional: true,
  parse: parseText,
  placeholder: 'FOLDER',
  brief: 'There, for what guests write meanwhile (/var/tmp)',
} as const;

/** A driver of libvirt, a transport if there is one, and what follows. */
const CONNECTION = /^(qemu|test)(\+[a-z]+)?:\/\//i;

export const isConnection = (text: string): boolean => CONNECTION.test(text);

export function parseConnection(text: string): string {
  if (!isConnection(text)) throw new Error('it is not a connection to a hypervisor, such as qemu:///system.');
  return parseText(text);
}
