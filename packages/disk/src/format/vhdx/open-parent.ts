// An image is hostile: what it names is opened only under the policy, and a parent counts only in the state that the disk was made on (MS-VHDX 2.6.2.6).
import type { HyperError } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { OpenOptions } from '../disk-image.ts';
import { followedName } from '../followed-name.ts';
import type { VhdxImage } from './image.ts';
import type { ParentLocator } from './parent-locator.ts';
import { malformed, refusedReference, type FilePlace } from './vhdx-refusal.ts';

/** Longer chains are merged by every platform that we know; the limit also ends a loop. */
const CHAIN_DEPTH_MAX = 16;

interface Child {
  readonly file: ByteFile;
  readonly sectorSize: number;
  readonly locator: ParentLocator;
  readonly locatorOffset: number;
}

/** Opens the parent of a differencing disk. Beside it, only a plain relative path is followed, whatever other paths it gives; of a list, the file that the parent is called after. */
export function openParent(child: Child, o: OpenOptions, open: (file: ByteFile, o: OpenOptions) => VhdxImage): VhdxImage {
  const at: FilePlace = { path: child.file.path, offset: child.locatorOffset };
  const file = openNamed(child, at, o);
  const below: OpenOptions = { ...o, depth: o.depth + 1, chain: [...(o.chain ?? []), child.file.path] };
  const parent = openOwned(file, () => open(file, below));
  return openOwned(parent, () => requireFit(child, parent, at));
}

/** Closes what was opened so far when the next step fails. */
function openOwned<Opened>(owned: Disposable, next: () => Opened): Opened {
  try {
    return next();
  } catch (error) {
    owned[Symbol.dispose]();
    throw error;
  }
}

function openNamed({ file, locator }: Child, at: FilePlace, o: OpenOptions): ByteFile {
  const shown = JSON.stringify(locator.paths[0]);
  const refused = (why: string): HyperError => refusedReference(`it is a differencing disk over ${shown}, ${why}`, at);
  if (o.references === 'refuse') throw refused('and images may not name other files unless this is allowed');
  const name = followedName(locator.paths.map(withoutOwnFolder), o.references);
  if (name === undefined) throw refused('and only plain names of files beside the image are followed');
  if (o.depth >= CHAIN_DEPTH_MAX) throw refused(`which makes a chain of more than ${CHAIN_DEPTH_MAX} images`);
  const parent = o.openReference(name);
  if (parent.path !== file.path && !o.chain?.includes(parent.path)) return parent;
  parent[Symbol.dispose]();
  throw refused('which is in its own chain');
}

/** Hyper-V spells a file beside as `.\parent.vhdx`. */
const withoutOwnFolder = (path: string): string => path.replace(/^\.\\/, '');

function requireFit({ sectorSize, locator }: Child, parent: VhdxImage, at: FilePlace): VhdxImage {
  const shown = JSON.stringify(locator.paths[0]);
  if (!locator.linkages.includes(parent.dataWriteGuid))
    throw malformed(`its parent ${shown} was written to after the disk was made on it, or is another disk`, at);
  if (parent.sectorSize !== sectorSize)
    throw malformed(`its parent ${shown} has sectors of ${parent.sectorSize} bytes, and it has ${sectorSize}`, at);
  return parent;
}
