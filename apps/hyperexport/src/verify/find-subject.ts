import { basename, dirname, join, resolve } from 'node:path';
import { HyperError } from '@hypersdk/domain';
import { receiptOf, type VerifySubject } from '@hypersdk/usecases';
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
  if (name.endsWith(RECEIPT_ENDING)) return { folder, subject: { receipt: name } };
  if (name.endsWith('.json')) return { folder, subject: { manifest: name } };
  const receipt = receiptOf(name);
  if (!(await statIfThere(join(folder, receipt))))
    throw new HyperError('source/not-found', `There is no receipt of ${path}: it would be ${receipt} beside it.`);
  return { folder, subject: { receipt } };
}

async function findInFolder(path: string): Promise<FoundSubject> {
  if (await statIfThere(join(path, MANIFEST_FILE))) return { folder: resolve(path), subject: { manifest: MANIFEST_FILE } };
  throw new HyperError('source/not-found', `${path} holds no complete export: there is no ${MANIFEST_FILE} in it.`);
}
