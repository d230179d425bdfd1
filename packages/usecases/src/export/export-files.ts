import { HyperError } from '@hypersdk/domain';
import type { Cancel, StorageTarget, StoredObject } from '@hypersdk/ports';
import type { ExportRequest } from './export-types.ts';

// An export is one folder of the target. The manifest is written last: without it there is no export, only the work of a run that has not ended.

export const manifestName = (name: string): string => `${name}/export-manifest.json`;
export const artifactName = (name: string): string => `${name}/artifact-manifest.json`;
export const checksumsName = (name: string): string => `${name}/SHA256SUMS`;
/** Written first and removed last: says whose unfinished work lies here. */
export const journalName = (name: string): string => `${name}/export-journal.json`;

/** An encrypted image has the ending that age gives, behind that of what it holds; of a split one this is the first volume. */
export const diskFile = (
  index: number,
  { settings, encryption, volumeSize }: Pick<ExportRequest, 'settings' | 'encryption' | 'volumeSize'>,
): string => `disk-${index}.${settings.format}${encryption ? '.age' : ''}${volumeSize === undefined ? '' : '.001'}`;
export const leavesFile = (file: string): string => `${file}.leaves`;
export const receiptFile = (file: string): string => `${file}.receipt.json`;

/** More files than an export can have, work files included; a folder with more is not one of ours. */
const FILE_COUNT_MAX = 20_000;

/** What lies in the export's folder, by file name. */
export async function listFiles(target: StorageTarget, name: string, o: Cancel): Promise<ReadonlyMap<string, StoredObject>> {
  const files = new Map<string, StoredObject>();
  const prefix = `${name}/`;
  for await (const object of target.list(prefix, o)) {
    files.set(object.name.slice(prefix.length), object);
    if (files.size > FILE_COUNT_MAX)
      throw new HyperError('usage/invalid', `${name} holds more than ${FILE_COUNT_MAX} files; choose another name for the export.`);
  }
  return files;
}

/** The folder on this machine that images are written to. */
export function folderOf(target: StorageTarget): string {
  if (target.folder !== undefined) return target.folder;
  throw new HyperError('usage/invalid', 'Disk images can only be written to a target that is a folder here.');
}
