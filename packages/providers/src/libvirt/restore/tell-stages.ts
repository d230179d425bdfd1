import type { DiskStream } from '@hypersdk/disk';
import type { DiskInfo } from '@hypersdk/domain';
import type { CopyStage, RestoreProgress } from '@hypersdk/ports';

/** Progress is told at most ten times a second. */
const TELL_MS = 100;

/** Makes what is told of a disk's stages out of how far each has come. */
export const tellStages =
  (
    disk: DiskInfo,
    { virtualSize, dataSize }: Pick<DiskStream, 'virtualSize' | 'dataSize'>,
    told: ((progress: RestoreProgress) => void) | undefined,
  ) =>
  (stage: CopyStage) => {
    let toldAt = 0;
    return (settled: number): void => {
      const now = performance.now();
      if (!told || (now - toldAt < TELL_MS && settled < virtualSize)) return;
      toldAt = now;
      const dataRead = Math.round((dataSize * settled) / virtualSize);
      told({ disk, progress: { stage, virtualSize, settled, dataRead, dataExpected: dataSize, resumedAt: 0 } });
    };
  };
