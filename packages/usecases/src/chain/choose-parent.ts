import type { DiskInfo, ExportedDisk, VMInfo } from '@hypersdk/domain';
import { chainOf, LINK_COUNT_MAX, type ChainLink, type LinkedDisk } from './chain-link.ts';

/** What an increment of a disk is to lie on, or why there is nothing for it. */
export type ParentChoice = { readonly chain: readonly [LinkedDisk, ...LinkedDisk[]]; readonly explanation: string } | { readonly reason: string };

/**
 * The export to lie on: of the same disk of the same VM, by their ids and never by a name alone; the end of its chain, for a link in the middle has a
 * successor that knows more; of several ends the one finished last. When that one is broken, an older one is not taken in its place: that is told.
 */
export function chooseParent(links: readonly ChainLink[], vm: VMInfo, disk: Pick<DiskInfo, 'id' | 'label' | 'virtualSize'>): ParentChoice {
  // A converted guest went another way: no increment of the source lies on it.
  const same = links.filter(({ manifest }) => manifest.convertedFrom === undefined && isSameVM(manifest.vm, vm));
  const held: LinkedDisk[] = same.flatMap((link) => link.manifest.disks.filter(({ id }) => id === disk.id).map((found) => ({ link, disk: found })));
  if (held.length === 0) return { reason: `there is no earlier export of disk ${disk.label} of this VM here` };
  const usable = held.filter(({ disk }) => isPlainFile(disk));
  if (usable.length === 0) return { reason: `the disk in ${held[0]?.link.name} lies in an archive, in several files or is encrypted` };
  const followed = new Set(held.flatMap(({ disk: { parent } }) => (parent ? [parent.exportId] : [])));
  const [head, ...others] = usable
    .filter(({ link }) => !followed.has(link.manifest.exportId))
    .toSorted((a, b) => Date.parse(b.link.manifest.finishedAt) - Date.parse(a.link.manifest.finishedAt));
  if (!head) return { reason: 'the earlier exports here lie on each other in a circle' };
  const { name } = head.link;
  if (head.disk.content.virtualSize !== disk.virtualSize)
    return { reason: `the disk has ${disk.virtualSize} bytes now and had ${head.disk.content.virtualSize} in ${name}` };
  const chain = chainOf(links, head);
  if ('broken' in chain) return { reason: `the chain of ${name} is broken: ${chain.broken}` };
  if (chain.disks.length >= LINK_COUNT_MAX) return { reason: `the chain of ${name} has ${chain.disks.length} links, and no more fit` };
  const among = others.length === 0 ? '' : `, the newest of ${others.length + 1} chains`;
  return { chain: chain.disks, explanation: `${name} is the last export of this disk${among}` };
}

/** Something that an image can name and QEMU can open. */
const isPlainFile = ({ package: archive, parts, encryption }: ExportedDisk): boolean =>
  archive === undefined && parts === undefined && encryption === undefined;

const isSameVM = (a: VMInfo, b: VMInfo): boolean => a.provider === b.provider && a.connection === b.connection && a.id === b.id;
