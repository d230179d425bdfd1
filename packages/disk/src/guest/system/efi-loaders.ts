// UEFI Specification 2.10, section 13.3.1.3 "Directory Structure": loaders lie in folders of their vendors below \EFI, the fallback in \EFI\BOOT.
import { listFolder, openPath, type FileTree } from '../files/file-tree.ts';

const ROOT = '/EFI';
/** A machine with more vendors or loaders than this has none that another one would tell. */
const FOLDERS_MAX = 32;
const LOADERS_MAX = 32;

export function findEfiLoaders(tree: FileTree): readonly string[] {
  const root = openPath(tree, ROOT);
  if (root?.kind !== 'folder') return [];
  const loaders: string[] = [];
  let folders = 0;
  for (const vendor of listFolder(tree, root)) {
    const folder = vendor.open();
    if (folder.kind !== 'folder') continue;
    folders += 1;
    if (folders > FOLDERS_MAX) break;
    for (const { name } of listFolder(tree, folder)) {
      if (loaders.length < LOADERS_MAX && /\.efi$/i.test(name)) loaders.push(`${ROOT}/${vendor.name}/${name}`);
    }
  }
  return loaders;
}
