import { formatBytes, HyperError } from '@hypersdk/domain';
import type { Cancel, ImageSettings, StorageTarget } from '@hypersdk/ports';

/** Bytes that are to be written, at most, and how. */
interface SpaceNeeds {
  readonly needed: number;
  readonly settings: ImageSettings;
  /** What is replaced, and makes room before anything is written. */
  readonly freed?: number;
}

/** Fails before anything is written when the target has less room than may be needed. What is compressed, or shares blocks with its source, may fit all the same and is let through. */
export async function requireSpace(target: StorageTarget, { needed, settings, freed = 0 }: SpaceNeeds, o: Cancel): Promise<void> {
  const { free, mayShareBlocks } = await target.usage(o);
  if (free === undefined || needed <= free + freed || isCompressed(settings) || mayShareBlocks) return;
  throw new HyperError(
    'target/full',
    `${target.folder ?? 'The target'} has ${formatBytes(free)} free (${free} bytes), and up to ${formatBytes(needed)} (${needed} bytes) are to be written. Nothing was begun; --no-space-check begins all the same.`,
    { detail: { free, needed, kept: false } },
  );
}

const isCompressed = ({ compression, subformat }: ImageSettings): boolean =>
  (compression !== undefined && compression !== 'none') || subformat === 'streamOptimized';
