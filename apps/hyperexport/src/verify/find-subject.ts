import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { HyperError } from '@hypersdk/domain';
import { parseExportManifest, receiptOf, type VerifySubject } from '@hypersdk/usecases';
import { MANIFEST_FILE } from '../manifest-file.ts';
import { statIfThere } from '../stat-if-there.ts';

/** What a path on the command line names: an export's folder, its manifest, a receipt, or an image with its receipt beside it. */
export interface FoundSubject {
  readonly folder: string;
  readonly subject: VerifySubject;
}

const RECEIPT_ENDING = '.receipt.json';

export async function findSubject(path: string): Promise<FoundSubject> {
  const about = await statIfThere(path);
  if (!about) throw new HyperError('source/not-found', `There is no ${path}.`);
  if (about.isDirectory()) return findInFolder(path);
  const [folder, name] = [dirname(resolve(path)), basename(path)];
  if (!name.endsWith(RECEIPT_ENDING) && (await isLink(join(folder, MANIFEST_FILE)))) return linkAt(folder);
  if (name.endsWith(RECEIPT_ENDING)) return { folder, subject: { receipt: name } };
  if (name.endsWith('.json')) return { folder, subject: { manifest: name } };
  const receipt = receiptOf(name);
  if (!(await statIfThere(join(folder, receipt))))
    throw new HyperError('source/not-found', `There is no receipt of ${path}: it would be ${receipt} beside it.`);
  return { folder, subject: { receipt } };
}

async function findInFolder(path: string): Promise<FoundSubject> {
  const folder = resolve(path);
  if (await statIfThere(join(path, MANIFEST_FILE)))
    return (await isLink(join(path, MANIFEST_FILE))) ? linkAt(folder) : { folder, subject: { manifest: MANIFEST_FILE } };
  throw new HyperError('source/not-found', `${path} holds no complete export: there is no ${MANIFEST_FILE} in it.`);
}

/** The link of a chain is looked at from the folder in which the others lie, too. */
const linkAt = (folder: string): FoundSubject => ({ folder: dirname(folder), subject: { manifest: `${basename(folder)}/${MANIFEST_FILE}` } });

/** Whether an export is an increment. One that cannot be read is told of by whoever reads it next. */
async function isLink(manifest: string): Promise<boolean> {
  try {
    return parseExportManifest(await readFile(manifest)).mode === 'incremental';
  } catch {
    return false;
  }
}
