import type { ByteRange, Sha256 } from '@hypersdk/domain';
import type { Watch } from './transfer.ts';
import type { Cancel } from './cancel.ts';

/** A member to be: a short text in hand, or the bytes of a file here (or of a part of it) with the digest that they are known to have. */
export type ArchiveContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string; readonly slice?: ByteRange; readonly digest: Sha256 };

export interface ArchiveRequest {
  /** Of the archive, in an existing folder. */
  readonly path: string;
  /** In the order that they get. Names are plain ASCII file names of up to 100 characters, each once. */
  readonly members: readonly { readonly name: string; readonly content: ArchiveContent }[];
  /** Milliseconds since 1970, for all members: equal requests give equal archives. */
  readonly modifiedAt: number;
}

/** A member that is there: its bytes lie in this range of the archive. */
export interface ArchivedFile extends ByteRange {
  readonly name: string;
}

export interface ArchiveProgress {
  readonly written: number;
  readonly size: number;
}

/** Packs the files of a VM into one. */
export interface Archiver {
  /**
   * Writes the archive, reads it back from the medium and holds each member against its digest, and then gives it its name, replacing what was there.
   * A killed call leaves its work beside the name, and the same request goes on from there. Fails with `verify/mismatch` when what came back is not what was meant.
   */
  write(request: ArchiveRequest, o: Watch<ArchiveProgress>): Promise<readonly ArchivedFile[]>;
  /** The members of an archive, in their order; reads headers only. Fails with an `archive/…` code when it is none that can be trusted. */
  list(path: string, o: Cancel): Promise<readonly ArchivedFile[]>;
}
