import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HyperError, systemCode } from '@hypersdk/domain';
import type { NbdTlsFiles } from '@hypersdk/ports';
import type { NbdTls } from '@hypersdk/wire';
import { toSourceError } from '../file/io-error.ts';

/** Certificates and keys are a few kilobytes; a larger file is something else. */
const FILE_SIZE_MAX = 1024 * 1024;

/** Those of QEMU, libnbd and nbdkit. */
const NAMES = ['ca-cert.pem', 'client-cert.pem', 'client-key.pem'];

/** Reads what a locator only names. */
export async function loadTls(tls: NbdTlsFiles): Promise<NbdTls> {
  if (tls.kind === 'psk') {
    const key = (await readPskFile(tls.file)).get(tls.identity);
    if (!key) throw new HyperError('nbd/tls-failed', `${tls.file} has no key for ${JSON.stringify(tls.identity)}.`, { detail: { file: tls.file } });
    return { kind: 'psk', identity: tls.identity, key };
  }
  const { folder, files, serverName, verifies } = tls;
  const paths = files ? [files.authority, files.certificate, files.key] : folder === undefined ? [] : NAMES.map((name) => join(folder, name));
  const [authority, certificate, key] = await Promise.all(paths.map((path) => readIfThere(path)));
  return {
    kind: 'certificates',
    serverName,
    verifies,
    ...(authority === undefined ? {} : { authority }),
    ...(certificate === undefined || key === undefined ? {} : { certificate, key }),
  };
}

/** Lines of `identity:key` with a hexadecimal key, as `psktool` of GnuTLS writes them. */
export async function readPskFile(file: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const keys = new Map<string, Uint8Array>();
  for (const line of (await readText(file)).split('\n')) {
    const match = /^([^:]{1,256}):((?:[0-9a-fA-F]{2}){1,512})\r?$/.exec(line);
    if (match?.[1] && match[2]) keys.set(match[1], Buffer.from(match[2], 'hex'));
  }
  return keys;
}

export async function readText(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > FILE_SIZE_MAX) throw new HyperError('usage/invalid', `${path} is too large for a certificate or key.`);
    return bytes.toString('utf8');
  } catch (cause) {
    throw toSourceError(cause, path, 'reading certificates and keys');
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readText(path);
  } catch (error) {
    if (error instanceof HyperError && systemCode(error.cause) === 'ENOENT') return undefined;
    throw error;
  }
}
