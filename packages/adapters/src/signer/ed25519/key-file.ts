import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { HyperError, systemCode } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { writeWhole } from './write-whole.ts';

/** An Ed25519 key in PKCS8 PEM has 119 bytes. */
const KEY_SIZE_MAX = 4096;
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const OTHERS = 0o077;

/** The key in the file, made on first use. Of two processes that make it at once, both get the one that was there first. */
export async function loadKey(path: string, o: Cancel): Promise<KeyObject> {
  o.signal.throwIfAborted();
  const key = (await readKey(path)) ?? (await makeKey(path)) ?? (await readKey(path));
  if (!key) throw unusable(path, 'it vanished while it was read');
  await keepPublicKey(`${path}.pub`, createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString());
  return key;
}

/** For those who verify. A key in a folder that may not be written is still a good key: then its owner has the public half elsewhere. */
async function keepPublicKey(path: string, text: string): Promise<void> {
  const found = await readFile(path, 'utf8').catch(() => undefined);
  if (found === text) return;
  await writeWhole(path, { text, mode: 0o644, ifAbsent: false }).catch(() => false);
}

async function readKey(path: string): Promise<KeyObject | undefined> {
  const file = await openKey(path);
  if (!file) return undefined;
  await using handle = file;
  const { size, mode, uid, isFile } = await describe(handle);
  if (!isFile) throw unusable(path, 'it is not a regular file');
  if ((mode & OTHERS) !== 0) throw unusable(path, `others may use it (mode ${(mode & 0o777).toString(8)})`);
  if (process.geteuid && uid !== process.geteuid()) throw unusable(path, 'it belongs to another user');
  if (size > KEY_SIZE_MAX) throw unusable(path, 'it is no Ed25519 private key in PEM');
  const key = tryKey(await handle.readFile('utf8'));
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw unusable(path, 'it is no Ed25519 private key in PEM');
}

async function describe(
  handle: FileHandle,
): Promise<{ readonly size: number; readonly mode: number; readonly uid: number; readonly isFile: boolean }> {
  const found = await handle.stat();
  return { size: found.size, mode: found.mode, uid: found.uid, isFile: found.isFile() };
}

async function openKey(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, READ_FLAGS);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unusable(path, systemCode(error) === 'ELOOP' ? 'it is a symbolic link' : `it cannot be opened (${systemCode(error) ?? 'unknown'})`, error);
  }
}

/** Undefined when another process was faster. */
async function makeKey(path: string): Promise<KeyObject | undefined> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const text = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  try {
    return (await writeWhole(path, { text, mode: 0o600, ifAbsent: true })) ? privateKey : undefined;
  } catch (error) {
    throw unusable(path, `it cannot be made (${systemCode(error) ?? 'unknown'})`, error);
  }
}

function tryKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

const unusable = (path: string, why: string, cause?: unknown): HyperError =>
  new HyperError('signer/unusable-key', `The signing key ${path} cannot be used: ${why}.`, { cause });
