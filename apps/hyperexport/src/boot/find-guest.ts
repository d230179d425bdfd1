import { basename, dirname, extname, resolve } from 'node:path';
import { HyperError, type ImageFormat } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { exportedGuest, type BootSubject } from '@hypersdk/usecases';
import { MANIFEST_FILE } from '../manifest-file.ts';
import type { Services } from '../services.ts';
import { statIfThere } from '../stat-if-there.ts';

export interface FoundGuest {
  /** Where its images lie. */
  readonly folder: string;
  readonly subject: BootSubject;
}

/** What a path on the command line names: an export's folder, its manifest, or an image. */
export async function findGuest(services: Services, path: string, o: Cancel & { readonly format?: ImageFormat }): Promise<FoundGuest> {
  const about = await statIfThere(path);
  if (!about) throw new HyperError('source/not-found', `There is no ${path}`);
  if (about.isDirectory()) return inExport(services, resolve(path), { ...o, manifest: MANIFEST_FILE });
  const [folder, name] = [dirname(resolve(path)), basename(path)];
  if (extname(name) === '.json') return inExport(services, folder, { ...o, manifest: name });
  const disk = { path: resolve(path), ...(o.format === undefined ? {} : { format: o.format }) };
  return { folder, subject: { name: toEvidenceName(name), disks: [disk] } };
}

async function inExport(services: Services, folder: string, o: Cancel & { readonly manifest: string }): Promise<FoundGuest> {
  return { folder, subject: await exportedGuest(await services.target(folder), o.manifest, o) };
}

/** Names of objects allow less than names of files do, and `.boot.json` has to fit behind. */
const NAME_LENGTH_MAX = 100;

function toEvidenceName(file: string): string {
  const stem = file.slice(0, file.length - extname(file).length);
  return (
    stem
      .replaceAll(/[^A-Za-z0-9._-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, NAME_LENGTH_MAX) || 'disk'
  );
}
