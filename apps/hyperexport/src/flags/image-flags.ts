import { imageFormats, type ImageFormat } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { countParser, parseCompression, parseSize, parseText, type Compression } from './parsers.ts';

/** Choices for the image that is written; they are the same for export and convert. */
export interface ImageFlags {
  readonly format?: ImageFormat;
  readonly subformat?: string;
  readonly compression?: Compression;
  readonly clusterSize?: number;
  readonly sectorSize?: '512' | '4096';
  readonly refcountBits?: number;
  readonly lazyRefcounts?: boolean;
  readonly extendedL2?: boolean;
  readonly compat?: '2' | '3';
  readonly preallocation?: NonNullable<ImageSettings['preallocation']>;
}

const flag = { kind: 'parsed', optional: true } as const;
const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;
const choice = { kind: 'enum', optional: true } as const;

export const imageFlags = {
  format: { ...choice, values: imageFormats, brief: 'Format to write' },
  subformat: { ...flag, parse: parseText, placeholder: 'NAME', brief: 'Variant of the format; see convert --help' },
  compression: { ...flag, parse: parseCompression, placeholder: 'C', brief: 'none, zlib or zstd, with a level: zstd:3' },
  clusterSize: { ...flag, parse: parseSize, placeholder: 'SIZE', brief: 'qcow2 to 2M (64K); vhd to 2M (2M); vhdx to 256M (32M)' },
  sectorSize: { ...choice, values: ['512', '4096'], brief: 'vhdx: sectors that the guest sees (512)' },
  refcountBits: { ...flag, parse: countParser({ min: 1, max: 64 }), placeholder: 'N', brief: 'qcow2: 1, 2, 4 … 64 (16)' },
  lazyRefcounts: { ...onOff, brief: 'qcow2: mark reference counts as lazy' },
  extendedL2: { ...onOff, brief: 'qcow2: subclusters' },
  compat: { ...choice, values: ['2', '3'], brief: 'qcow2: version (3)' },
  preallocation: { ...choice, values: ['off', 'metadata', 'falloc', 'full'], brief: 'Reserve space ahead' },
} as const;

/** The settings that were named, and `fallback` where no format was. */
export function toImageSettings(flags: ImageFlags, fallback: ImageFormat): ImageSettings {
  return {
    format: flags.format ?? fallback,
    ...(flags.subformat === undefined ? {} : { subformat: flags.subformat }),
    ...flags.compression,
    ...(flags.clusterSize === undefined ? {} : { clusterSize: flags.clusterSize }),
    ...(flags.sectorSize === undefined ? {} : { sectorSize: Number(flags.sectorSize) }),
    ...(flags.refcountBits === undefined ? {} : { refcountBits: flags.refcountBits }),
    ...(flags.lazyRefcounts === undefined ? {} : { lazyRefcounts: flags.lazyRefcounts }),
    ...(flags.extendedL2 === undefined ? {} : { extendedL2: flags.extendedL2 }),
    ...(flags.compat === undefined ? {} : { compatVersion: flags.compat === '2' ? 2 : 3 }),
    ...(flags.preallocation === undefined ? {} : { preallocation: flags.preallocation }),
  };
}

const FORMAT_OF_EXTENSION: Readonly<Record<string, ImageFormat>> = {
  qcow2: 'qcow2',
  qcow: 'qcow2',
  vmdk: 'vmdk',
  vhd: 'vhd',
  vdi: 'vdi',
  vhdx: 'vhdx',
  raw: 'raw',
  img: 'raw',
  bin: 'raw',
  dd: 'raw',
};

/** What a file's name says of its format, or undefined. */
export const formatOfName = (path: string): ImageFormat | undefined => FORMAT_OF_EXTENSION[/\.([A-Za-z0-9]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''];
