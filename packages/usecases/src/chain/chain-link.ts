import type { ExportedDisk, ExportManifest } from '@hypersdk/domain';

/** An export of the target that may be a link of a chain. */
export interface ChainLink {
  /** Its folder in the target. */
  readonly name: string;
  readonly manifest: ExportManifest;
}

/** One disk in one link. */
export interface LinkedDisk {
  readonly link: ChainLink;
  readonly disk: ExportedDisk;
}

/** What a disk is put together from, the full one first; or what is wrong with it, and where. */
export type DiskChain = { readonly disks: readonly [LinkedDisk, ...LinkedDisk[]] } | { readonly broken: string; readonly at: string };

/** Images that QEMU and our reader follow from one to the next; longer chains also take long to read. */
export const LINK_COUNT_MAX = 16;

/** Follows a disk from its link down to the full one, and holds each parent's digests against what its child says of them. */
export function chainOf(links: readonly ChainLink[], head: LinkedDisk): DiskChain {
  const byName = new Map(links.map((link) => [link.name, link]));
  const disks: [LinkedDisk, ...LinkedDisk[]] = [head];
  for (;;) {
    const [lowest] = disks;
    const { parent, file } = lowest.disk;
    const at = lowest.link.name;
    if (!parent) return { disks };
    if (disks.length >= LINK_COUNT_MAX) return { broken: `it is longer than ${LINK_COUNT_MAX} links`, at };
    const below = byName.get(parent.export);
    if (!below) return { broken: `${at} lies on ${parent.export}, which is not there`, at };
    if (below.manifest.exportId !== parent.exportId) return { broken: `${at} lies on another export than ${parent.export} is now`, at: below.name };
    const disk = below.manifest.disks.find((one) => one.file === parent.file);
    if (!disk) return { broken: `${at} lies on ${parent.file} in ${parent.export}, which has no such disk`, at: below.name };
    if (disk.content.root !== parent.root || disk.containerDigest !== parent.containerDigest || disk.id !== lowest.disk.id)
      return { broken: `${at} lies on another ${file} than ${parent.export} holds`, at: below.name };
    if (disk.content.virtualSize !== lowest.disk.content.virtualSize) return { broken: `${at} and ${below.name} are of disks of two sizes`, at };
    disks.unshift({ link: below, disk });
  }
}
