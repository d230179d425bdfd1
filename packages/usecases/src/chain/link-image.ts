import type { ImageRef } from '@hypersdk/domain';
import type { StorageTarget } from '@hypersdk/ports';
import { folderOf } from '../export/export-files.ts';
import type { LinkedDisk } from './chain-link.ts';

export const pathOfDisk = (target: StorageTarget, { link, disk }: LinkedDisk): string => `${folderOf(target)}/${link.name}/${disk.file}`;

export const leavesOfDisk = (target: StorageTarget, { link, disk }: LinkedDisk): string => `${folderOf(target)}/${link.name}/${disk.leaves}`;

/** The uppermost of the disks, with leave to open exactly those that it lies on. */
export function imageOfChain(target: StorageTarget, chain: readonly [LinkedDisk, ...LinkedDisk[]]): ImageRef {
  const head = chain.at(-1) ?? chain[0];
  const below = chain.slice(0, -1).map((linked) => pathOfDisk(target, linked));
  return { path: pathOfDisk(target, head), format: head.disk.format, references: below.length === 0 ? 'refuse' : { listed: below } };
}
