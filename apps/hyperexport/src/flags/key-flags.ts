import { resolve } from 'node:path';
import { parseText } from './parsers.ts';

/** What opens images that are encrypted. */
export interface KeyFlags {
  readonly identity?: readonly string[];
  readonly passphraseFile?: string;
}

/** For whom an image is encrypted. */
export interface EncryptFlags {
  readonly encryptTo?: readonly string[];
  readonly encryptToFile?: readonly string[];
  readonly encryptPassphrase?: boolean;
  readonly encryptPassphraseFile?: string;
}

/** Absolute, so that a run that is resumed from another folder finds the same file. */
const file = { kind: 'parsed', optional: true, parse: (text: string): string => resolve(parseText(text)), placeholder: 'FILE' } as const;

export const keyFlags = {
  identity: { ...file, variadic: true, brief: 'age identity for encrypted images; may be given again' },
  passphraseFile: { ...file, brief: 'File with the passphrase of an encrypted image' },
} as const;

export const encryptFlags = {
  encryptTo: {
    kind: 'parsed',
    optional: true,
    variadic: true,
    parse: parseText,
    placeholder: 'age1…',
    brief: 'Encrypt for this recipient; may be given again',
  },
  encryptToFile: { ...file, variadic: true, brief: 'Encrypt for the recipients in this file' },
  encryptPassphrase: { kind: 'boolean', optional: true, withNegated: false, brief: 'Encrypt with a passphrase that is asked for' },
  encryptPassphraseFile: { ...file, brief: 'Encrypt with the passphrase in this file' },
} as const;
