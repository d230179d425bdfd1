import { imageFormats, type ImageFormat } from './image.ts';

/** What QEMU and libvirt call a format: VHD has the name of the program that it came from, all others have ours. */
export const toQemuName = (format: ImageFormat): string => (format === 'vhd' ? 'vpc' : format);

/** The format that QEMU calls so; undefined for one that we do not know. */
export const fromQemuName = (name: string | undefined): ImageFormat | undefined => imageFormats.find((format) => toQemuName(format) === name);
