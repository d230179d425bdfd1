import { parseText } from './parsers.ts';

/** How a server is read. */
export interface RemoteFlags {
  readonly allowPlaintext?: boolean;
  readonly singleConnection?: boolean;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

export const remoteFlags = {
  allowPlaintext: { ...onOff, brief: 'Read nbd:// from other machines without TLS' },
  singleConnection: { ...onOff, brief: 'One connection to an NBD server, even if it takes more' },
} as const;

export const pointInTimeFlag = {
  kind: 'parsed',
  optional: true,
  parse: parseText,
  placeholder: 'NAME',
  brief: 'Promise that the export is what NAME was',
} as const;
