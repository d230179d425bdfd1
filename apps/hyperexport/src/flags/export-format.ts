import { HyperError, imageFormats, type ImageFormat } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import type { PackageKind } from '@hypersdk/usecases';
import { toImageSettings, type ImageFlags } from './image-flags.ts';

/** As the use cases have them, which are not loaded for two words: that would double the time of the help. */
const packageKinds = ['ova', 'ovf'] as const satisfies readonly PackageKind[];

/** What an export may be written as: images, or images put together for another platform to import. */
export const exportFormats = [...imageFormats, ...packageKinds] as const;
export type ExportFormat = (typeof exportFormats)[number];

export type ExportFormatFlags = Omit<ImageFlags, 'format'> & { readonly format?: ExportFormat };

interface ExportSettings {
  readonly settings: ImageSettings;
  readonly package?: PackageKind;
}

export function toExportSettings({ format, ...flags }: ExportFormatFlags, fallback: ImageFormat): ExportSettings {
  const kind = packageKinds.find((candidate) => candidate === format);
  const image = imageFormats.find((candidate) => candidate === format);
  if (kind === undefined) return { settings: toImageSettings({ ...flags, ...(image === undefined ? {} : { format: image }) }, fallback) };
  if (flags.subformat !== undefined && flags.subformat !== PACKAGED)
    throw new HyperError('usage/invalid', `The disks of an ${kind.toUpperCase()} are ${PACKAGED} VMDKs, not ${flags.subformat}.`);
  return { settings: toImageSettings({ ...flags, format: 'vmdk', subformat: PACKAGED }, 'vmdk'), package: kind };
}

/** The one kind of disk that VMware, VirtualBox and virt-v2v all import from a package. */
const PACKAGED = 'streamOptimized';
