import type { DiskId } from '@hypersdk/domain';

/** The content of a disk at the moment in which a backup began. */
export interface BackupMark {
  readonly uuid: string;
  /** Names the backup, and the checkpoint that was made with it, if one was. */
  readonly tag: string;
  readonly disk: string;
}

const SCHEME = 'libvirt-backup';

/** The point in time by which the backup's disk is known to whoever reads it. */
export const toPointInTime = ({ uuid, tag, disk }: BackupMark): string => [SCHEME, uuid, tag, disk].join(':');

/** Reads a mark of an NBD disk that ends in such a point in time; undefined for a mark of another kind, which a copy that was made otherwise has. */
export function readMark(mark: string): BackupMark | undefined {
  const { uuid, tag, disk } = /(?:^|:)libvirt-backup:(?<uuid>[^:]+):(?<tag>[^:]+):(?<disk>.+)$/s.exec(mark)?.groups ?? {};
  return uuid === undefined || tag === undefined || disk === undefined ? undefined : { uuid, tag, disk };
}

/** The checkpoint to begin at; undefined where the mark is none of this very disk. */
export function checkpointOf(mark: string, { uuid, disk }: { readonly uuid: string; readonly disk: DiskId }): string | undefined {
  const read = readMark(mark);
  return read?.uuid === uuid && read.disk === disk ? read.tag : undefined;
}
