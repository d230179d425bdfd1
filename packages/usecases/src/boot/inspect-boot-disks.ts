import { HyperError, type BootFirmware, type ImageFormat } from '@hypersdk/domain';
import type { BootDisk, Cancel, ImageInspector } from '@hypersdk/ports';

/** An image here, or a disk on another machine that was looked at and is served on a UNIX socket as long as the proof takes. */
export type BootSource = { readonly path: string; readonly format?: ImageFormat } | ServedBootSource;

export interface ServedBootSource {
  readonly socket: string;
  /** The address for people and the record. */
  readonly shown: string;
  /** What the disk is stored in there. */
  readonly format: ImageFormat;
  readonly virtualSize: number;
  readonly firmwares: readonly BootFirmware[];
}

export type InspectedDisk = BootDisk & {
  /** For the record: a file's name or an address, and its format. */
  readonly told: { readonly file: string; readonly format: ImageFormat };
  readonly virtualSize: number;
  readonly whyNot?: string;
  readonly likely?: BootFirmware;
};

/** Images are inspected before the emulator may see them: sizes, formats and references are ours, not the image's. */
export async function inspectBootDisks(
  inspector: ImageInspector,
  sources: readonly BootSource[],
  { signal }: Cancel,
): Promise<readonly InspectedDisk[]> {
  if (sources.length === 0) throw new HyperError('usage/invalid', 'There is no disk to boot from.');
  const disks: InspectedDisk[] = [];
  for (const source of sources) {
    if ('socket' in source) {
      disks.push(toServed(source));
      continue;
    }
    const { path, format } = source;
    const image = await inspector.refer(path, { signal, references: 'beside', ...(format === undefined ? {} : { format }) });
    const about = await inspector.inspect(image, { signal });
    const whyNot = whyNotBoot(image.format, about.references);
    const { firmwares } = await inspector.look(image, { signal });
    disks.push({
      path,
      format: image.format,
      told: { file: path.slice(path.lastIndexOf('/') + 1), format: image.format },
      beside: about.references,
      virtualSize: about.virtualSize,
      ...(whyNot === undefined ? {} : { whyNot }),
      ...onlyOf(firmwares),
    });
  }
  return disks;
}

const toServed = ({ socket, shown, format, virtualSize, firmwares }: ServedBootSource): InspectedDisk => ({
  path: socket,
  format: 'raw',
  beside: [],
  isServed: true,
  told: { file: shown, format },
  virtualSize,
  ...onlyOf(firmwares),
});

/** A disk with code for both says nothing. */
const onlyOf = ([likely, ...others]: readonly BootFirmware[]): { readonly likely?: BootFirmware } =>
  likely === undefined || others.length > 0 ? {} : { likely };

/** A VMDK may consist of several files; any other image that refers to one needs a file that is not part of it. */
const whyNotBoot = (format: ImageFormat, references: readonly string[]): string | undefined =>
  references.length > 0 && format !== 'vmdk' ? `it is built on ${references.join(', ')}; convert it to an image of its own first` : undefined;
