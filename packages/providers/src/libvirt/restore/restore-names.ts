import { type StoragePool } from '../rpc/procedures.ts';

/** Where a definition says that it is not finished, and who makes it. */
export const RESTORE_NAMESPACE = 'urn:hypersdk:restore';
export const RESTORE_KEY = 'hypersdk';
const ENDING = '.restore';
/** Names of files have 255 bytes at most; what stands before and behind this takes some 100. */
const NAME_MAX = 60;

/** What a run calls the VM that it makes, as long as it is not finished. */
export const restoreName = (tag: string): string => `${tag}${ENDING}`;

export const isRestoreName = (name: string): boolean => name.endsWith(ENDING);

/** Carries the run, so that it is found again, and the VM, so that people find it. */
export const volumeName = (
  tag: string,
  { vm, target, ending = 'qcow2' }: { readonly vm: string; readonly target: string; readonly ending?: string },
): string => `${tag}-${vm.replaceAll(/[^A-Za-z0-9._-]+/g, '-').slice(0, NAME_MAX)}-${target}.${ending}`;

/** Names of pools have no slashes. */
export const volumePath = (pool: Pick<StoragePool, 'name'>, volume: string): string => `${pool.name}/${volume}`;

export function readVolumePath(path: string): { readonly pool: string; readonly volume: string } {
  const at = path.indexOf('/');
  return { pool: path.slice(0, at), volume: path.slice(at + 1) };
}
