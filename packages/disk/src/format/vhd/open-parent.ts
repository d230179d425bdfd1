// Virtual Hard Disk Image Format Specification 1.0, "Differencing Hard Disk Image": the parent is known by its identifier and its time of last change.
import { fstatSync } from 'node:fs';
import type { ByteFile } from '../../file/byte-file.ts';
import type { OpenOptions } from '../disk-image.ts';
import { followedName } from '../followed-name.ts';
import type { DynamicHeader } from './dynamic-header.ts';
import { parentNames, withoutOwnFolder } from './parent-names.ts';
import type { VhdImage } from './vhd-image.ts';
import { malformed, refusedReference } from './vhd-refusal.ts';

/** Longer chains are flattened by every platform that we know; the limit also ends a loop. */
const CHAIN_DEPTH_MAX = 16;
/** Seconds from 1970 to 2000, from where the format counts. */
const EPOCH = 946_684_800;
/** File systems keep times to two seconds at worst. */
const TOLERANCE_S = 2;

export interface Parent {
  readonly name: string;
  readonly image: VhdImage;
}

export interface DifferencingImage {
  readonly file: ByteFile;
  readonly header: DynamicHeader;
  readonly openVhd: (file: ByteFile, o: OpenOptions) => VhdImage;
}

/** Opens the parent under the policy, and makes sure that it is the disk over which this one was made, and as it was then. */
export function openParent({ file, header, openVhd }: DifferencingImage, o: OpenOptions): Parent {
  const { path } = file;
  const name = chooseName(file, header, o);
  const shown = JSON.stringify(name);
  const below = o.openReference(name);
  using opened = new DisposableStack();
  opened.use(below);
  if (below.path === path || o.chain?.includes(below.path)) throw refusedReference(`its parent ${shown} is in its own chain`, { path });
  const image = openVhd(below, { ...o, depth: o.depth + 1, chain: [...(o.chain ?? []), path] });
  // From here on the image owns its file.
  opened.move();
  using kept = new DisposableStack();
  kept.use(image);
  if (image.uniqueId !== header.parentId)
    throw malformed(`its parent ${shown} is another disk: it has the identifier ${image.uniqueId} and not ${header.parentId}`, {
      path,
      offset: header.offset + 40,
    });
  requireUnchanged({ file, header }, below, image);
  kept.move();
  return { name, image };
}

function chooseName(file: ByteFile, header: DynamicHeader, o: OpenOptions): string {
  const { path } = file;
  const names = parentNames(file, header);
  const [first] = names;
  if (first === undefined) throw malformed('it is a differencing disk that does not name its parent', { path, offset: header.offset + 64 });
  const shown = JSON.stringify(first);
  if (o.references === 'refuse')
    throw refusedReference(`it holds only what differs from its parent ${shown}, and images may not name other files unless this is allowed`, {
      path,
    });
  const followed = followedName(names.map(withoutOwnFolder), o.references);
  if (followed === undefined)
    throw refusedReference(`it holds only what differs from its parent ${shown}, and only plain names of files beside the image are followed`, {
      path,
    });
  if (o.depth >= CHAIN_DEPTH_MAX) throw refusedReference(`its parent ${shown} makes a chain of more than ${CHAIN_DEPTH_MAX} images`, { path });
  return followed;
}

/**
 * A parent that was written to after the child was made no longer holds what the child leaves out, and nothing else shows it. Hyper-V records when the file was
 * last changed, other programs the time in its footer; either will do. A copy that did not keep the time cannot be told from a change, so the message says how to mend it.
 */
function requireUnchanged(child: Pick<DifferencingImage, 'file' | 'header'>, below: ByteFile, parent: VhdImage): void {
  const recorded = child.header.parentTime;
  if (recorded === 0 || below.fd === undefined || Math.abs(parent.timeStamp - recorded) <= TOLERANCE_S) return;
  const changed = fstatSync(below.fd).mtimeMs / 1000 - EPOCH;
  if (Math.abs(changed - recorded) <= TOLERANCE_S) return;
  throw malformed(
    `its parent ${JSON.stringify(below.path)} was changed after this disk was made over it; if it was only copied, give it its time back with touch -d @${EPOCH + recorded}`,
    { path: child.file.path, offset: child.header.offset + 56 },
  );
}
