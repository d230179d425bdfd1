import type { ByteRange } from '@hypersdk/domain';
import type { WritableFile } from './byte-file.ts';
import { WritableDiskFile } from './disk-file.ts';
import { WritableFileSet } from './writable-file-set.ts';
import { WritableVolumes } from './writable-volumes.ts';

/** What an image is written to: a file, or several that share its offsets among them. */
export interface TargetFile extends WritableFile, Disposable {
  /** Every file of it in the order of their offsets, open; the one whose name counts is the last. */
  readonly files: readonly OpenFile[];
  /** The offset behind the last byte that any of its files has; those before it may have gaps. */
  readonly size: number;
  /** The file that holds this offset, and the bytes from there on that it has room for. */
  locate(offset: number): { readonly fd: number; readonly fileOffset: number; readonly length: number };
  /** Has on the medium all that was written through this object, and all that was written to `range` through others. */
  sync(range: ByteRange): Promise<void>;
}

export interface OpenFile {
  readonly path: string;
  readonly fd: number;
  readonly size: number;
}

/** Where the files of an image lie while it is written. Plain data: each mover opens them by itself. */
export interface TargetPaths {
  /** The file whose name counts; in a set, it has the last offsets. */
  readonly path: string;
  readonly parts?: {
    /** Offsets that each file has: the n-th begins at n times this. */
    readonly span: number;
    /** They are volumes behind `path`, made as they are needed; otherwise they lie in front of it. */
    readonly volumes?: boolean;
    readonly paths: readonly string[];
    /** What they are to be called. */
    readonly names: readonly string[];
  };
}

/** Opens the files of an image that is being written: new ones, all of them as they are, or each when it is needed first. */
export function openTarget({ path, parts }: TargetPaths, mode: 'create' | 'continue' | 'join'): TargetFile {
  if (parts?.volumes) return WritableVolumes.open([path, ...parts.paths], { span: parts.span, mode });
  return parts
    ? WritableFileSet.open([...parts.paths, path], { ...parts, mode })
    : WritableDiskFile.open(path, mode === 'create' ? 'create' : 'continue');
}
