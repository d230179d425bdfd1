import { resolve } from 'node:path';
import { parseText } from './parsers.ts';

/** How a server is read. */
export interface RemoteFlags {
  readonly allowPlaintext?: boolean;
  readonly singleConnection?: boolean;
  readonly ca?: string;
  readonly headerFile?: string;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

/** The same file in any folder: a run that goes on later is typed anew. */
const file = { kind: 'parsed', optional: true, parse: (text: string): string => resolve(parseText(text)), placeholder: 'FILE' } as const;

export const remoteFlags = {
  allowPlaintext: { ...onOff, brief: 'Speak to other machines without TLS (nbd, qemu+tcp)' },
  singleConnection: { ...onOff, brief: 'One connection to an NBD server, even if it takes more' },
  ca: { ...file, brief: 'Authority (PEM) behind an https:// certificate' },
  headerFile: { ...file, brief: 'NAME: VALUE lines for a web server, as for a token' },
} as const;

export const pointInTimeFlag = {
  kind: 'parsed',
  optional: true,
  parse: parseText,
  placeholder: 'NAME',
  brief: 'Promise that the export is what NAME was',
} as const;
