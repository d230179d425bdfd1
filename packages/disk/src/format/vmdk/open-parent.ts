import type { ByteFile } from '../../file/byte-file.ts';
import type { DiskImage, OpenOptions } from '../disk-image.ts';
import type { DescriptorParent } from './descriptor.ts';
import { refusedReference, unsupported } from './vmdk-refusal.ts';

/** vSphere keeps at most 32 snapshots of a disk; the limit also ends a loop that runs over several names of one file. */
const CHAIN_DEPTH_MAX = 32;

/** A disk below another one, and the content id that it has now. */
export interface ParentImage extends DiskImage {
  readonly contentId: string;
}

/** Opens the disk that a delta was put over, when the policy allows it and its content is still the one that the delta was put over. */
export function openParent(
  child: ByteFile,
  parent: DescriptorParent,
  { open, ...o }: OpenOptions & { readonly open: (file: ByteFile, o: OpenOptions) => ParentImage },
): ParentImage {
  const { path } = child;
  const shown = JSON.stringify(parent.name);
  if (o.references === 'refuse') throw refusedReference(`it holds only what changed since another disk, ${shown}`, { path });
  if (o.depth >= CHAIN_DEPTH_MAX)
    throw refusedReference(`its parent ${shown} makes a chain of more than ${CHAIN_DEPTH_MAX} disks below one`, { path });
  const file = o.openReference(parent.name);
  using opened = new DisposableStack();
  opened.use(file);
  if (file.path === path || o.chain?.includes(file.path)) throw refusedReference(`its parent ${shown} is in its own chain`, { path });
  const image = open(file, { ...o, depth: o.depth + 1, chain: [...(o.chain ?? []), path] });
  // From here on the image owns its file, and whatever else it opened.
  opened.move();
  using kept = new DisposableStack();
  kept.use(image);
  checkContentId(image, child, parent);
  kept.move();
  return image;
}

/** A parent that was written to since no longer is what the delta's blocks belong to: together they are a disk that never was. */
function checkContentId(image: ParentImage, { path }: ByteFile, { contentId, name }: DescriptorParent): void {
  if (image.contentId === contentId) return;
  throw unsupported(`its parent ${JSON.stringify(name)} was changed since: its content id is ${image.contentId}, and not ${contentId}`, { path });
}
