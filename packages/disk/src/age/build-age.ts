// Test only: files in the age format, made by its author's library, and keys for them.
import { Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { MemoryFile } from '../file/memory-file.ts';
import { findFileKey } from './file-key.ts';

export interface KeyPair {
  readonly identity: string;
  readonly recipient: string;
}

export async function newKeyPair(): Promise<KeyPair> {
  const identity = await generateIdentity();
  return { identity, recipient: await identityToRecipient(identity) };
}

export async function encryptFor(recipients: readonly string[], content: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return await encrypter.encrypt(content);
}

/** With a passphrase and 2^`work` steps to try one. */
export async function encryptWith(passphrase: string, content: Uint8Array, work = 10): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  encrypter.setScryptWorkFactor(work);
  return await encrypter.encrypt(content);
}

export async function keyOf(file: Uint8Array, identity: string): Promise<Uint8Array> {
  const key = await findFileKey(new MemoryFile(file), { identities: [identity] });
  if (!key) throw new Error('The file is not encrypted.');
  return key;
}
