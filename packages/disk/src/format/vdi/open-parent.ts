// VirtualBox VDI: a differencing disk knows its parent by the identifier of the disk and that of its last change, and by no name.
import { basename } from 'node:path';
import { HyperError } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import type { OpenOptions } from '../disk-image.ts';
import { FIELD, hasSignature, NO_ID, type Header } from './header.ts';
import type { VdiImage } from './vdi-image.ts';
import { malformed, refusedReference } from './vdi-refusal.ts';

/** Longer chains are flattened by every platform that we know; the limit also ends a loop. */
const CHAIN_DEPTH_MAX = 16;

export interface Parent {
  readonly name: string;
  readonly image: VdiImage;
}

export interface DifferencingImage {
  readonly file: ByteFile;
  readonly header: Header;
  readonly openVdi: (file: ByteFile, o: OpenOptions) => VdiImage;
}

/** Opens the parent under the policy: the file beside this one that VirtualBox would give its identifier in braces as a name, or that of the files listed which is the disk. */
export function openParent({ file, header, openVdi }: DifferencingImage, o: OpenOptions): Parent {
  const { path } = file;
  const at = { path, offset: FIELD.parentId };
  if (header.parentId === NO_ID) throw malformed('it is a differencing disk that does not say of which', at);
  const id = spellId(header.parentId);
  if (o.references === 'refuse')
    throw refusedReference(`it holds only what differs from the disk ${id}, and images may not refer to other files unless this is allowed`, at);
  if (o.depth >= CHAIN_DEPTH_MAX) throw refusedReference(`its parent makes a chain of more than ${CHAIN_DEPTH_MAX} images`, at);
  using opened = new DisposableStack();
  const found = o.references === 'beside' ? openBeside({ file, id }, o) : findListed(o.references.listed, header.parentId, o);
  if (!found) throw refusedReference(`none of the files listed is its parent, the disk ${id}`, at);
  const { name } = found;
  const below = opened.use(found.file);
  if (below.path === path || o.chain?.includes(below.path)) throw refusedReference(`its parent ${name} is in its own chain`, at);
  const image = openVdi(below, { ...o, depth: o.depth + 1, chain: [...(o.chain ?? []), path] });
  // From here on the image owns its file.
  opened.move();
  using kept = new DisposableStack();
  kept.use(image);
  if (image.header.id !== header.parentId) throw malformed(`its parent ${name} is another disk, ${spellId(image.header.id)}`, at);
  if (header.parentChangeId !== NO_ID && image.header.changeId !== header.parentChangeId)
    throw malformed(`its parent ${name} was changed after this disk was made over it`, { path, offset: FIELD.parentChangeId });
  kept.move();
  return { name, image };
}

interface FoundFile {
  readonly name: string;
  readonly file: ByteFile;
}

/** The image names no file, so that a missing one is explained. */
function openBeside({ file, id }: { readonly file: ByteFile; readonly id: string }, o: OpenOptions): FoundFile {
  const name = `{${id}}.vdi`;
  try {
    return { name, file: o.openReference(name) };
  } catch (cause) {
    if (!(cause instanceof HyperError) || cause.code !== 'source/not-found') throw cause;
    throw new HyperError(
      'source/not-found',
      `${file.path} needs the disk ${id} as its parent and names no file; put that disk beside it as ${name}.`,
      {
        detail: { path: file.path, parent: id },
        cause,
      },
    );
  }
}

/** The caller's list is as long as the caller made it. */
function findListed(listed: readonly string[], parentId: string, o: OpenOptions): FoundFile | undefined {
  for (const name of listed.map((path) => basename(path))) {
    using opened = new DisposableStack();
    const file = opened.use(o.openReference(name));
    if (idOf(file) !== parentId) continue;
    opened.move();
    return { name, file };
  }
  return undefined;
}

function idOf(file: ByteFile): string | undefined {
  const bytes = Buffer.alloc(FIELD.id + 16);
  if (file.size < bytes.length) return undefined;
  file.read(0, bytes);
  return hasSignature(bytes) ? bytes.toString('hex', FIELD.id) : undefined;
}

/** As people and VirtualBox write an identifier: its first three fields are little-endian in the file. */
function spellId(id: string): string {
  const bytes = Buffer.from(id, 'hex');
  const turned = Buffer.concat([
    bytes.subarray(0, 4).toReversed(),
    bytes.subarray(4, 6).toReversed(),
    bytes.subarray(6, 8).toReversed(),
    bytes.subarray(8),
  ]);
  return turned.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
