import { HyperError, toDiskId, type DiskInfo, type ImageRef, type VMInfo } from '@hypersdk/domain';
import type { Cancel, ExportableDisk, ExportLease, ImageInspector, ProviderSession } from '@hypersdk/ports';
import type { OriginalGuest } from './find-original.ts';

interface Converted {
  readonly original: OriginalGuest;
  /** Of the same disks, in the same order. */
  readonly images: readonly ImageRef[];
}

/** A converted guest as the VM that it was: what reads its disks needs the overlays and the original. */
export const convertedSession = (inspector: Pick<ImageInspector, 'mark'>, converted: Converted): ProviderSession => ({
  facets: {
    inventory: {
      async *list() {
        yield vmOf(converted);
      },
      get: async () => vmOf(converted),
    },
    diskExport: { open: async (_, o) => openLease(inspector, converted, o) },
  },
  [Symbol.asyncDispose]: async () => {},
});

/** Its disks are named where they come from: that stays when the overlays are gone. */
function vmOf({ original }: Converted): VMInfo {
  const { vm, disks } = original.manifest;
  return {
    ...vm,
    disks: disks.map(({ id, label, file, content }): DiskInfo => {
      const { bootOrder } = vm.disks.find((disk) => disk.id === id) ?? {};
      const location = `${original.folder}/${file}`;
      return { id: toDiskId(id), label, virtualSize: content.virtualSize, location, ...(bootOrder === undefined ? {} : { bootOrder }) };
    }),
  };
}

async function openLease(inspector: Pick<ImageInspector, 'mark'>, converted: Converted, o: Cancel): Promise<ExportLease> {
  const vm = vmOf(converted);
  const { original, images } = converted;
  const disks: ExportableDisk[] = [];
  for (const [index, image] of images.entries()) {
    const disk = vm.disks[index];
    if (!disk) throw new HyperError('internal/unexpected', 'A conversion answered more disks than the guest has.');
    disks.push({ disk, locator: { kind: 'image', image }, mark: await inspector.mark(image, o) });
  }
  return {
    vm,
    consistency: original.manifest.consistency,
    disks,
    check: async (still) => {
      await requireSame(inspector, { images: original.images, marks: original.marks, what: 'The original' }, still);
      await requireSame(inspector, { images, marks: disks.map(({ mark }) => mark), what: 'The converted guest' }, still);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function requireSame(
  inspector: Pick<ImageInspector, 'mark'>,
  { images, marks, what }: { readonly images: readonly ImageRef[]; readonly marks: readonly string[]; readonly what: string },
  o: Cancel,
): Promise<void> {
  for (const [index, image] of images.entries()) {
    if ((await inspector.mark(image, o)) !== marks[index]) throw new HyperError('source/changed', `${what} was written meanwhile: ${image.path}.`);
  }
}
