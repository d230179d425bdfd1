import type { CopyProgress, CopyRequest, ImageLocator, ParentImage } from '@hypersdk/ports';
import type { ImageFormat, ImageRef } from '@hypersdk/domain';
import type { ImagePlan } from '../format/image-writer.ts';
import type { DiskSource } from '../locator/disk-source.ts';
import type { CopyIdentity } from './checkpoint-file.ts';
import type { Crew } from './crew.ts';
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
  readonly identity: CopyIdentity;
  readonly progress: Progress;
  readonly tools: JobTools;
}

/** An image of our own making, which refers to no other file but its parent. */
export const imageLocator = (path: string, format: ImageFormat, parent?: ParentImage): ImageLocator => ({
  kind: 'image',
  image: { path, format, references: parent ? { listed: [parent.image.path, ...listedBy(parent.image)] } : 'refuse' },
});

const listedBy = ({ references }: ImageRef): readonly string[] => (typeof references === 'object' ? references.listed : []);
