import { readFile } from 'node:fs/promises';
import { HyperError, type Receipt } from '@hypersdk/domain';
import type { Cancel, StorageTarget } from '@hypersdk/ports';
import { parseExportManifest, parseReceipt, type VerifySubject } from '@hypersdk/usecases';
import type { OwnKey } from '../services.ts';
import { statIfThere } from '../stat-if-there.ts';

// A public key in PEM has 113 bytes; what is far larger is another file.
const KEY_SIZE_MAX = 16 * 1024;

/** The public key named on the command line. */
export async function readKey(path: string): Promise<string> {
  const about = await statIfThere(path);
  if (!about) throw new HyperError('source/not-found', `There is no ${path}`);
  if (!about.isFile() || about.size > KEY_SIZE_MAX) throw new HyperError('usage/invalid', `${path} is not a public key in PEM`);
  return readFile(path, 'utf8');
}

/** This machine's key, when it is the one that signed everything in question; otherwise none, and signatures stay unchecked. */
export async function ownKeyIfItSigned(
  own: OwnKey | undefined,
  subject: VerifySubject,
  o: Cancel & { readonly target: StorageTarget },
): Promise<string | undefined> {
  if (!own) return undefined;
  const receipts = await readReceipts(subject, o).catch(() => []);
  return receipts.length > 0 && receipts.every((receipt) => receipt.signature.keyId === own.keyId) ? own.publicKey : undefined;
}

async function readReceipts(subject: VerifySubject, o: Cancel & { readonly target: StorageTarget }): Promise<readonly Receipt[]> {
  if ('receipt' in subject) return [parseReceipt(await o.target.get(subject.receipt, o))];
  const manifest = parseExportManifest(await o.target.get(subject.manifest, o));
  const folder = subject.manifest.slice(0, subject.manifest.lastIndexOf('/') + 1);
  const receipts: Receipt[] = [];
  for (const name of manifest.receipts) receipts.push(parseReceipt(await o.target.get(`${folder}${name}`, o)));
  return receipts;
}
