import { HyperError, toDiskId, type DiskInfo } from '@hypersdk/domain';
import type { Cancel, ExportableDisk, ExportLease, ImageInspector, ProviderSession, StorageTarget } from '@hypersdk/ports';
import { chainOf, type ChainLink } from './chain-link.ts';
import { imageOfChain } from './link-image.ts';

interface ChainPorts {
  readonly target: StorageTarget;
  readonly inspector: Pick<ImageInspector, 'mark'>;
}

/** A link of a chain as the VM that it was exported from: what reads its disks needs the target alone. */
export const chainSession = (ports: ChainPorts, links: readonly ChainLink[], head: ChainLink): ProviderSession => ({
  facets: {
    inventory: {
      async *list() {
        yield head.manifest.vm;
      },
      get: async () => head.manifest.vm,
    },
    diskExport: { open: async (_, o) => openLease(ports, { links, head }, o) },
  },
  [Symbol.asyncDispose]: async () => {},
});

async function openLease(
  ports: ChainPorts,
  { links, head }: { readonly links: readonly ChainLink[]; readonly head: ChainLink },
  o: Cancel,
): Promise<ExportLease> {
  const { vm, consistency } = head.manifest;
  const disks: ExportableDisk[] = [];
  for (const disk of head.manifest.disks) {
    const chain = chainOf(links, { link: head, disk });
    if ('broken' in chain)
      throw new HyperError('chain/broken', `The chain of ${head.name} is broken: ${chain.broken}.`, { detail: { link: chain.at } });
    const image = imageOfChain(ports.target, chain.disks);
    const { content, label, source } = disk;
    const info: DiskInfo = vm.disks.find(({ id }) => id === disk.id) ?? {
      id: toDiskId(disk.id),
      label,
      virtualSize: content.virtualSize,
      location: source.location,
    };
    disks.push({
      disk: { ...info, virtualSize: content.virtualSize, ...(source.format === undefined ? {} : { format: source.format }) },
      locator: { kind: 'image', image },
      mark: await ports.inspector.mark(image, o),
      origin: { mark: source.mark, content, location: source.location },
    });
  }
  return {
    vm,
    consistency,
    disks,
    check: async (still) => {
      for (const { locator, mark, disk } of disks) {
        if (locator.kind === 'image' && (await ports.inspector.mark(locator.image, still)) === mark) continue;
        throw new HyperError('source/changed', `The chain of ${disk.label} was written while it was read.`);
      }
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
