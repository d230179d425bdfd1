import type { BlockLocator, CopyProgress, CopyRequest } from '@hypersdk/ports';
import type { ImageFormat } from '@hypersdk/domain';
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

/** A plain image of our own making, which refers to no other file. */
export const imageLocator = (path: string, format: ImageFormat): BlockLocator => ({ kind: 'image', image: { path, format, references: 'refuse' } });
