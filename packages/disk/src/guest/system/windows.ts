import { openPath, type FileTree } from '../files/file-tree.ts';
import type { FoundSystem } from './found-system.ts';
import { openHive, type HiveKey } from './hive.ts';

const WINDOWS = '/Windows/System32';
const HIVE = '/Windows/System32/config/SOFTWARE';
const KEYS = ['Microsoft', 'Windows NT', 'CurrentVersion'] as const;
/** Windows 11 still calls itself Windows 10 in this place; builds from here on are 11 (Microsoft's release information). */
const WINDOWS_11_BUILD = 22_000;

/** Says which Windows is installed, from the registry's SOFTWARE hive, or that one is. */
export function findWindows(tree: FileTree): FoundSystem | undefined {
  const hive = openPath(tree, HIVE);
  if (hive?.kind === 'file') return describeWindows(openHive(hive.content));
  return openPath(tree, WINDOWS)?.kind === 'folder' ? { family: 'windows', name: 'Windows' } : undefined;
}

/** "hibr" and "wake" in either case begin the file of a Windows that was suspended to disk; one that was not wipes them. */
const SUSPENDED = /^(?:hibr|wake)$/i;
const HIBERNATION_FILE = '/hiberfil.sys';

/** Whether Windows lies hibernated on the volume, which "fast startup" makes of every shutdown. */
export function isHibernated(tree: FileTree): boolean {
  const file = openPath(tree, HIBERNATION_FILE);
  if (file?.kind !== 'file' || file.content.size < 4) return false;
  return SUSPENDED.test(file.content.read({ offset: 0, length: 4 }, 'hibernation file').text(0, 4, 'latin1'));
}

function describeWindows(root: HiveKey): FoundSystem {
  let key: HiveKey | undefined = root;
  for (const name of KEYS) key = key?.child(name);
  const build = key?.text('CurrentBuild') ?? key?.text('CurrentBuildNumber');
  const product = key?.text('ProductName') ?? 'Windows';
  const isEleven = Number(build) >= WINDOWS_11_BUILD;
  const name = isEleven ? product.replace(/^Windows 10\b/, 'Windows 11') : product;
  const release = key?.text('DisplayVersion') ?? key?.text('CSDVersion');
  return { family: 'windows', name: release ? `${name} ${release}` : name, ...(build === undefined ? {} : { version: build }) };
}
