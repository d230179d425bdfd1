import { existsSync } from 'node:fs';
import type { CopyProgress, CopyRequest, ImageLocator } from '@hypersdk/ports';
import type { ImageRef } from '@hypersdk/domain';
import type { FileSet, ImagePlan } from '../format/image-writer.ts';
import type { DiskSource } from '../locator/disk-source.ts';
import type { CopyIdentity } from './checkpoint-file.ts';
import type { Crew } from './crew.ts';
import type { PartialFiles } from './partial-files.ts';
import type { Progress } from './progress.ts';

export interface JobTools {
  readonly crew: Crew;
  readonly signal: AbortSignal;
  readonly report: (progress: CopyProgress) => void;
}

/** Everything one copy needs to know while it runs. */
export interface CopyJob {
  readonly request: CopyRequest;
  readonly source: DiskSource;
  readonly plan: ImagePlan;
  /** Present when the image is not one file. */
  readonly set: FileSet | undefined;
  readonly identity: CopyIdentity;
  readonly progress: Progress;
  readonly tools: JobTools;
}

/** The image as it is written: it refers to no other file but its parent and those that it consists of. */
export function imageLocator(
  { request, set }: Pick<CopyJob, 'request' | 'set'>,
  { image, parts, ...key }: Pick<PartialFiles, 'image' | 'parts'> & Pick<ImageRef, 'fileKey'>,
): ImageLocator {
  const volumes = set?.volumes ? { volumes: parts.filter((part) => existsSync(part)) } : {};
  return { kind: 'image', image: { path: image, ...volumes, ...key, format: request.settings.format, references: listedFiles(request, set, parts) } };
}

function listedFiles({ parent }: CopyRequest, set: FileSet | undefined, parts: readonly string[]): ImageRef['references'] {
  if (parent) return { listed: [parent.image.path, ...listedBy(parent.image)] };
  return set && !set.volumes ? { listed: parts, as: set.names } : 'refuse';
}

const listedBy = ({ references }: ImageRef): readonly string[] => (typeof references === 'object' ? references.listed : []);
