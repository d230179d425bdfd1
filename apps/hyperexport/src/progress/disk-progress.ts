import type { CopyProgress } from '@hypersdk/ports';
import type { Work } from './eta.ts';

/** One disk of a run as it is shown. */
export interface DiskProgress {
  readonly label: string;
  readonly state: 'waiting' | 'running' | 'done';
  readonly progress?: CopyProgress;
  /** Bytes of data that its platform counts, before the copy itself has counted. */
  readonly allocatedSize?: number;
}

/** What one disk has done and still has to do. `verifyPercent` is the share of it that is read back after copying; 0 for work of one pass. */
export function toWork(disk: DiskProgress, verifyPercent: number): Work {
  const { progress, state } = disk;
  if (!progress) return toWaitingWork(disk, verifyPercent);
  const isSettled = state === 'done' || isPastFirstPass(progress, verifyPercent);
  const expected = state === 'done' ? (progress.dataExpected ?? progress.dataRead) : progress.dataExpected;
  const verifyTotal = toVerifyTotal(progress, expected, verifyPercent);
  return {
    copy: {
      done: isSettled ? (expected ?? progress.dataRead) : progress.dataRead,
      total: expected,
      active: state === 'running' && !isSettled && progress.stage !== 'planning',
    },
    verify: {
      done: verified(disk, verifyTotal),
      total: verifyTotal,
      active: state === 'running' && verifyPercent > 0 && progress.stage === 'verifying',
    },
  };
}

const toWaitingWork = ({ allocatedSize }: DiskProgress, verifyPercent: number): Work => ({
  copy: { done: 0, total: allocatedSize, active: false },
  verify: { done: 0, total: allocatedSize === undefined ? undefined : (allocatedSize * verifyPercent) / 100, active: false },
});

export function addWork(all: readonly Work[]): Work {
  return { copy: addShares(all.map((work) => work.copy)), verify: addShares(all.map((work) => work.verify)) };
}

/** How far a run is, 0 to 1; by data where its amount is known, by the disk's span otherwise. */
export function fractionOf(disk: DiskProgress, verifyPercent: number): number {
  if (disk.state === 'done') return 1;
  if (!disk.progress) return 0;
  const work = toWork(disk, verifyPercent);
  const total = (work.copy.total ?? 0) + (work.verify.total ?? 0);
  if (work.copy.total !== undefined && total > 0) return Math.min(1, (work.copy.done + work.verify.done) / total);
  const span = disk.progress.virtualSize === 0 ? 1 : disk.progress.settled / disk.progress.virtualSize;
  // The copy and the read-back are two passes over the same span.
  const copyShare = 100 / (100 + verifyPercent);
  if (!isPastFirstPass(disk.progress, verifyPercent)) return span * copyShare;
  if (disk.progress.stage === 'verifying') return copyShare + (1 - copyShare) * span;
  return isPast(disk.progress, 'verifying') ? 1 : copyShare;
}

const STAGES = ['planning', 'copying', 'syncing', 'verifying', 'publishing'] as const satisfies readonly CopyProgress['stage'][];

const isPast = (progress: CopyProgress, stage: CopyProgress['stage']): boolean => STAGES.indexOf(progress.stage) > STAGES.indexOf(stage);

/** A comparison or a check alone is one pass and calls it verifying. */
const isPastFirstPass = (progress: CopyProgress, verifyPercent: number): boolean =>
  isPast(progress, 'copying') && !(verifyPercent === 0 && progress.stage === 'verifying');

/** The read-back covers the whole disk, also what an earlier attempt had copied: that part is taken to be as dense as the rest. */
function toVerifyTotal(progress: CopyProgress, expected: number | undefined, verifyPercent: number): number | undefined {
  const left = progress.virtualSize - progress.resumedAt;
  if (verifyPercent === 0) return 0;
  if (expected === undefined || (left <= 0 && progress.resumedAt > 0)) return undefined;
  return (expected * (left > 0 ? progress.virtualSize / left : 1) * verifyPercent) / 100;
}

function verified(disk: DiskProgress, total: number | undefined): number {
  if (total === undefined || !disk.progress) return 0;
  if (disk.state === 'done' || isPast(disk.progress, 'verifying')) return total;
  if (disk.progress.stage !== 'verifying' || disk.progress.virtualSize === 0) return 0;
  return total * Math.min(1, disk.progress.settled / disk.progress.virtualSize);
}

function addShares(shares: readonly Work['copy'][]): Work['copy'] {
  return {
    done: shares.reduce((sum, share) => sum + share.done, 0),
    // The amount is known when every disk's is.
    total: shares.reduce<number | undefined>((sum, share) => (sum === undefined || share.total === undefined ? undefined : sum + share.total), 0),
    active: shares.some((share) => share.active),
  };
}
