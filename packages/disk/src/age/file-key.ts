// Who may have the key of a file: recipients, identities and passphrases, as the library of age's author knows them. The content never passes through it.
import type { Decrypter, Encrypter, Recipient } from 'age-encryption';
import { HyperError } from '@hypersdk/domain';
import type { DecryptionKeys, Encryption } from '@hypersdk/ports';
import type { ByteFile } from '../file/byte-file.ts';
import { readHeader, refuse, type AgeHeader } from './header.ts';
import { scryptIdentity, scryptRecipient } from './scrypt-stanza.ts';

/** A key that was just drawn, and the header that hands it to those who may have it. */
export interface DrawnKey {
  readonly fileKey: Uint8Array;
  readonly header: Uint8Array;
}

/** Draws a new file key. The library writes the header for an empty file; the content is sealed by us, wherever it has to go. */
export async function drawKey(encryption: Encryption): Promise<DrawnKey> {
  const age = await import('age-encryption');
  const encrypter = new age.Encrypter();
  let fileKey: Uint8Array | undefined;
  const witness: Recipient = {
    wrapFileKey: (key) => {
      fileKey = Uint8Array.from(key);
      return [];
    },
  };
  if ('passphrase' in encryption) encrypter.addRecipient(scryptRecipient(encryption.passphrase, (args, body) => new age.Stanza(args, body)));
  else for (const recipient of encryption.recipients) addRecipient(encrypter, recipient);
  encrypter.addRecipient(witness);
  const file = await encrypter.encrypt(new Uint8Array(0));
  const header = readHeader(memory(file))?.bytes;
  if (!header) throw new HyperError('internal/unexpected', 'The header of an encrypted file could not be made.');
  if (!fileKey) throw new HyperError('internal/unexpected', 'An encrypted file was begun without a key.');
  return { fileKey, header };
}

/** Fails with `usage/invalid` when it is no recipient that files can be encrypted for. */
function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient);
  } catch (cause) {
    const why = recipient.startsWith('AGE-SECRET-KEY')
      ? 'this is an identity, which must stay secret; its recipient begins with age1'
      : 'a recipient begins with age1';
    throw new HyperError('usage/invalid', `${hideSecret(recipient)} is no recipient that a file can be encrypted for: ${why}.`, { cause });
  }
}

const hideSecret = (text: string): string => (text.startsWith('AGE-SECRET-KEY') ? 'AGE-SECRET-KEY-…' : JSON.stringify(text.slice(0, 80)));

/** The key of an encrypted file; undefined when the file is not encrypted. */
export async function findFileKey(file: Pick<ByteFile, 'path' | 'size' | 'read'>, keys: DecryptionKeys): Promise<Uint8Array | undefined> {
  const header = readHeader(file);
  if (!header) return undefined;
  const isPassphrase = header.stanzas.includes('scrypt');
  const { identities = [], passphrase } = keys;
  if (isPassphrase ? passphrase === undefined : identities.length === 0) throw locked(file, header);
  try {
    return await unwrap(header.bytes, isPassphrase ? { passphrase: passphrase ?? '' } : { identities });
  } catch (cause) {
    throw toRefusal(cause, file, header);
  }
}

async function unwrap(header: Uint8Array, { identities = [], passphrase }: DecryptionKeys): Promise<Uint8Array> {
  // Loaded only where something is encrypted.
  const age = await import('age-encryption');
  const decrypter = new age.Decrypter();
  for (const identity of identities) addIdentity(decrypter, identity);
  if (passphrase !== undefined) decrypter.addIdentity(scryptIdentity(passphrase));
  return await decrypter.decryptHeader(header);
}

function addIdentity(decrypter: Decrypter, identity: string): void {
  try {
    decrypter.addIdentity(identity);
  } catch (cause) {
    // The cause quotes what it was given.
    throw new HyperError('usage/invalid', 'An identity is damaged: it must be a whole line that begins with AGE-SECRET-KEY-.', {
      detail: { reason: cause instanceof Error ? cause.name : 'unknown' },
    });
  }
}

type Named = Pick<ByteFile, 'path'>;

function locked(file: Named, header: AgeHeader): HyperError {
  const count = header.stanzas.length;
  if (header.stanzas.includes('scrypt'))
    return new HyperError('encryption/locked', `${file.path} is encrypted with a passphrase.`, { detail: { path: file.path, needs: 'passphrase' } });
  return new HyperError('encryption/locked', `${file.path} is encrypted for ${count === 1 ? 'one recipient' : `${count} recipients`}.`, {
    detail: { path: file.path, needs: 'identity' },
  });
}

/** Of the library's words only those are told that speak of the file, never of a key. */
function toRefusal(cause: unknown, file: Named, header: AgeHeader): HyperError {
  if (cause instanceof HyperError) return cause.code === 'encryption/malformed' ? refuse(cause.code, file, cause.message) : cause;
  const message = cause instanceof Error ? cause.message : '';
  if (/no identity matched/.test(message)) {
    const why = header.stanzas.includes('scrypt')
      ? 'the passphrase is not the one it was encrypted with'
      : 'none of the identities given is among its recipients';
    return refuse('encryption/wrong-key', file, why);
  }
  return refuse('encryption/malformed', file, 'its header is damaged');
}

const memory = (bytes: Uint8Array): Pick<ByteFile, 'path' | 'size' | 'read'> => ({
  path: 'a new file',
  size: bytes.length,
  read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
});
