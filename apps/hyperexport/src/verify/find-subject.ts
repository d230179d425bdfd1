import { basename, dirname, resolve } from 'node:path';
import { HyperError } from '@hypersdk/domain';
import type { VerifySubject } from '@hypersdk/usecases';
import { MANIFEST_FILE } from '../manifest-file.ts';
import { statIfThere } from '../stat-if-there.ts';

/** What a path on the command line names: an export's folder, its manifest, or a receipt. */
export interface FoundSubject {
  readonly folder: string;
  readonly subject: VerifySubject;
}

const RECEIPT_ENDING = '.receipt.json';

export async function findSubject(path: string): Promise<FoundSubject> {
  const about = await statIfThere(path);
  if (!about) throw new HyperError('source/not-found', `There is no ${path}`);
  if (about.isDirectory()) return { folder: resolve(path), subject: { manifest: MANIFEST_FILE } };
  const [folder, name] = [dirname(resolve(path)), basename(path)];
  return { folder, subject: name.endsWith(RECEIPT_ENDING) ? { receipt: name } : { manifest: name } };
}
