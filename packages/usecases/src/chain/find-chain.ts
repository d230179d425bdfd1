import { HyperError, type ImageRef } from '@hypersdk/domain';
import type { Cancel, StorageTarget } from '@hypersdk/ports';
import { manifestName } from '../export/export-files.ts';
import { parseExportManifest } from '../manifest/export-manifest.ts';
import { readDocument } from '../verify/read-document.ts';
import { chainOf, LINK_COUNT_MAX, type ChainLink } from './chain-link.ts';
import { imageOfChain } from './link-image.ts';

/** One disk of an export in the target. */
interface Place {
  readonly name: string;
  readonly file: string;
}

/**
 * What the disk of an increment lies on, as the manifests beside it tell: each link is the export, the disk and the file that its child names, and its file
 * has the size that was recorded. Undefined for what is no increment of ours; one whose chain is broken is refused. Only the manifests of the chain are read.
 */
export async function findChain(target: StorageTarget, { name, file }: Place, o: Cancel): Promise<Pick<ImageRef, 'references'> | undefined> {
  const links = await readDown(target, { name, file }, o);
  const link = links[0];
  const disk = link?.manifest.disks.find((one) => one.file === file);
  if (!link || !disk?.parent) return undefined;
  const chain = chainOf(links, { link, disk });
  if ('broken' in chain) throw broken(file, chain.broken);
  for (const linked of chain.disks) {
    const { fileSize } = linked.disk;
    const object = `${linked.link.name}/${linked.disk.file}`;
    const found = await sizeOf(target, object, o);
    if (found === undefined) throw broken(file, `${object} is not there`);
    if (found !== fileSize) throw broken(file, `${object} has ${found} bytes, and ${fileSize} were recorded`);
  }
  const { references } = imageOfChain(target, chain.disks);
  return { references };
}

/** The links from the uppermost one down, as far as they are there. */
async function readDown(target: StorageTarget, head: Place, o: Cancel): Promise<readonly ChainLink[]> {
  const links: ChainLink[] = [];
  let place: Place | undefined = head;
  while (place && links.length <= LINK_COUNT_MAX) {
    const link: ChainLink | undefined = await readIfThere(target, place.name, o);
    if (!link) break;
    links.push(link);
    place = placeBelow(link, place);
  }
  return links;
}

function placeBelow({ manifest }: ChainLink, { file }: Place): Place | undefined {
  const parent = manifest.disks.find((one) => one.file === file)?.parent;
  return parent && { name: parent.export, file: parent.file };
}

/** A manifest that cannot be read vouches for nothing; the export is as good as not there. */
async function readIfThere(target: StorageTarget, name: string, o: Cancel): Promise<ChainLink | undefined> {
  try {
    return { name, manifest: parseExportManifest(await readDocument(target, manifestName(name), o)) };
  } catch (error) {
    if (!(error instanceof HyperError) || !['manifest/malformed', 'source/not-found'].includes(error.code)) throw error;
    return undefined;
  }
}

async function sizeOf(target: StorageTarget, name: string, o: Cancel): Promise<number | undefined> {
  for await (const object of target.list(name, o)) if (object.name === name) return object.size;
  return undefined;
}

const broken = (file: string, why: string): HyperError =>
  new HyperError('image/refused-reference', `${file} is an increment, and what it lies on is not whole: ${why}.`, { detail: { file } });
