import { createHash } from 'node:crypto';
import { closeSync, constants, fsyncSync, mkdirSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { HyperError, systemCode } from '@hypersdk/domain';

/**
 * Keys of copies that are not finished yet, one small file for each, named after the header that it belongs to. They lie in a folder of this user and not beside
 * the copy: whoever gets hold of the medium has the header, and cannot open it.
 */
const keyPath = (folder: string, header: Uint8Array): string => join(folder, `${createHash('sha256').update(header).digest('hex').slice(0, 32)}.key`);

/** Durable before the first byte is encrypted with it. */
export function keepKey(folder: string, header: Uint8Array, fileKey: Uint8Array): void {
  const path = keyPath(folder, header);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW, 0o600);
    try {
      writeSync(fd, `${Buffer.from(fileKey).toString('hex')}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    syncFolder(folder);
  } catch (cause) {
    throw new HyperError(
      'encryption/key-not-kept',
      `${path}: the system answered ${systemCode(cause) ?? 'an error'} while keeping the key of the copy.`,
      {
        detail: { path },
        cause,
      },
    );
  }
}

export function findKey(folder: string, header: Uint8Array): Uint8Array | undefined {
  try {
    const text = readFileSync(keyPath(folder, header), 'latin1');
    return /^[0-9a-f]{32}\n$/.test(text) ? Buffer.from(text.trim(), 'hex') : undefined;
  } catch {
    return undefined;
  }
}

/** Once nobody has to go on with the copy. One that is not there is fine. */
export function dropKey(folder: string, header: Uint8Array): void {
  try {
    unlinkSync(keyPath(folder, header));
  } catch {
    // A key that stays opens nothing that its owner could not read anyway.
  }
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
