import type { ContentDigest, Sha256 } from './digest.ts';
import type { ImageFormat } from './image.ts';
import type { VMInfo } from './vm.ts';

/** How a file is encrypted, in words that anyone may read. */
export interface FileEncryption {
  readonly format: 'age';
  /** Public: whoever has the identity of one of them can read the file. Absent: a passphrase opens it. */
  readonly recipients?: readonly string[];
}

/** How much the guest knew of the moment its disks were read. */
export type Consistency = 'crash' | 'filesystem' | 'application';

/** What an incremental disk lies on: the same disk in an earlier export beside this one. */
export interface DiskParent {
  readonly exportId: string;
  /** Name of that export's folder, which lies beside this one's. */
  readonly export: string;
  /** File name in there. */
  readonly file: string;
  /** Root of the whole disk as it was then. */
  readonly root: Sha256;
  readonly containerDigest: Sha256;
}

/** A file beside the one that is named as the image, without which it is not whole. */
export interface ImagePart {
  /** File name beside the manifest, or beside the receipt. */
  readonly file: string;
  readonly size: number;
  /** SHA-256 of the file as it lies on the medium. */
  readonly digest: Sha256;
}

export interface ExportedDisk {
  readonly id: string;
  readonly label: string;
  /** File name beside the manifest, or in the archive when there is one. */
  readonly file: string;
  /** File name of the archive beside the manifest that holds the file. */
  readonly package?: string;
  /** File name of the leaf digests beside the manifest. */
  readonly leaves: string;
  readonly format: ImageFormat;
  readonly subformat?: string;
  /** The file holds the image encrypted. */
  readonly encryption?: FileEncryption;
  /** Bytes of the file. */
  readonly fileSize: number;
  /** SHA-256 of the file as it lies on the medium. */
  readonly containerDigest: Sha256;
  /** The further files of an image that is not one file, such as the extents of a VMDK, in the order of the disk. */
  readonly parts?: readonly ImagePart[];
  /** Of the bytes read from the source; equal to the bytes read back from the file, or there would be no manifest. */
  readonly content: ContentDigest;
  readonly source: { readonly location: string; readonly mark: string; readonly format?: ImageFormat };
  /** The file holds only what differs from this; `content` and `leaves` are of the whole disk. */
  readonly parent?: DiskParent;
  /** How what differs was found: told by the source, or by reading all of it and comparing. */
  readonly changesBy?: 'source' | 'comparison';
  /** Why the file holds the whole disk although only what changed was asked for. */
  readonly fullReason?: string;
}

/** What a converted guest was before, and what converted it. */
export interface GuestConversion {
  readonly exportId: string;
  /** Name of that export's folder. */
  readonly export: string;
  /** Roots of its disks, in the order of the disks. */
  readonly roots: readonly Sha256[];
  readonly by: { readonly name: string; readonly version: string };
}

/** Written last, by rename: when it is there and its `selfDigest` holds, the export is complete. Version 1; sizes are bytes, times ISO 8601 UTC. */
export interface ExportManifest {
  readonly kind: 'hypersdk.export-manifest';
  readonly version: 1;
  readonly exportId: string;
  readonly tool: { readonly name: string; readonly version: string };
  readonly startedAt: string;
  readonly finishedAt: string;
  /** `incremental` when a disk of it has a parent. */
  readonly mode: 'full' | 'incremental';
  /** Made at the target, without the source, of the export named. */
  readonly flattenedFrom?: { readonly exportId: string; readonly export: string };
  /** Its guest was made fit for KVM after the export named, which holds it as it was. */
  readonly convertedFrom?: GuestConversion;
  readonly consistency: Consistency;
  readonly vm: VMInfo;
  readonly disks: readonly ExportedDisk[];
  /** File names of the receipts beside the manifest, one for each disk. */
  readonly receipts: readonly string[];
  /** SHA-256 of the canonical JSON (RFC 8785) of this manifest without `selfDigest`. */
  readonly selfDigest: Sha256;
}

type Sized = { readonly size: number } | { readonly fileSize: number };

/** Bytes of all the files of an image. */
export const sizeOfAll = ({ fileSize, parts = [] }: { readonly fileSize: number; readonly parts?: readonly Sized[] }): number =>
  parts.reduce((sum, part) => sum + ('size' in part ? part.size : part.fileSize), fileSize);
