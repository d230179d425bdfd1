import type { ContentDigest, Sha256 } from './digest.ts';
import type { ImageFormat } from './image.ts';
import type { VMInfo } from './vm.ts';

/** How much the guest knew of the moment its disks were read. */
export type Consistency = 'crash' | 'filesystem' | 'application';

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
  /** Bytes of the file. */
  readonly fileSize: number;
  /** SHA-256 of the file as it lies on the medium. */
  readonly containerDigest: Sha256;
  /** Of the bytes read from the source; equal to the bytes read back from the file, or there would be no manifest. */
  readonly content: ContentDigest;
  readonly source: { readonly location: string; readonly mark: string; readonly format?: ImageFormat };
}

/** Written last, by rename: when it is there and its `selfDigest` holds, the export is complete. Version 1; sizes are bytes, times ISO 8601 UTC. */
export interface ExportManifest {
  readonly kind: 'hypersdk.export-manifest';
  readonly version: 1;
  readonly exportId: string;
  readonly tool: { readonly name: string; readonly version: string };
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly mode: 'full';
  readonly consistency: Consistency;
  readonly vm: VMInfo;
  readonly disks: readonly ExportedDisk[];
  /** File names of the receipts beside the manifest, one for each disk. */
  readonly receipts: readonly string[];
  /** SHA-256 of the canonical JSON (RFC 8785) of this manifest without `selfDigest`. */
  readonly selfDigest: Sha256;
}
