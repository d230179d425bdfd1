import type { ExportedDisk } from '@hypersdk/domain';
import type { Cancel, StorageTarget } from '@hypersdk/ports';
import type { Finding } from '../finding.ts';
import { chainOf, type ChainLink } from './chain-link.ts';
import { readLinks } from './read-links.ts';

export interface ListedDisk extends Pick<
  ExportedDisk,
  'id' | 'label' | 'file' | 'fileSize' | 'parts' | 'content' | 'parent' | 'changesBy' | 'fullReason'
> {
  /** What is wrong with the chain below it, as far as manifests tell. */
  readonly broken?: string;
  /** Images that it is put together from. */
  readonly length: number;
}

export interface ListedLink extends Pick<ChainLink, 'name'> {
  readonly vm: string;
  readonly exportId: string;
  readonly finishedAt: string;
  readonly mode: 'full' | 'incremental';
  readonly flattenedFrom?: string;
  readonly isRetired: boolean;
  readonly disks: readonly ListedDisk[];
}

/** The exports of a target, VM by VM and in the order in which they were made, with what each lies on. Reads manifests only. */
export async function listChains(
  target: StorageTarget,
  o: Cancel,
): Promise<{ readonly links: readonly ListedLink[]; readonly findings: readonly Finding[] }> {
  const { links, retired, findings } = await readLinks(target, o);
  const all = [...links.map((link) => toListed(links, link, false)), ...retired.map((link) => toListed([...links, ...retired], link, true))];
  return { links: all.toSorted((a, b) => compare(a.vm, b.vm) || compare(a.finishedAt, b.finishedAt)), findings };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function toListed(links: readonly ChainLink[], link: ChainLink, isRetired: boolean): ListedLink {
  const { vm, exportId, finishedAt, mode, flattenedFrom } = link.manifest;
  const disks = link.manifest.disks.map((disk): ListedDisk => {
    const chain = chainOf(links, { link, disk });
    const { id, label, file, fileSize, parts, content, parent, changesBy, fullReason } = disk;
    return {
      id,
      label,
      file,
      fileSize,
      ...(parts ? { parts } : {}),
      content,
      ...(parent ? { parent } : {}),
      ...(changesBy ? { changesBy } : {}),
      ...(fullReason === undefined ? {} : { fullReason }),
      ...('broken' in chain ? { broken: chain.broken, length: 0 } : { length: chain.disks.length }),
    };
  });
  return {
    name: link.name,
    vm: vm.name,
    exportId,
    finishedAt,
    mode,
    ...(flattenedFrom ? { flattenedFrom: flattenedFrom.export } : {}),
    isRetired,
    disks,
  };
}
