import { formatBytes } from '@hypersdk/domain';
import type { BlockLocator, CompareOutcome } from '@hypersdk/ports';
import { openLocator } from '../locator/open-locator.ts';
import { estimateData } from './estimate-data.ts';
import type { JobTools } from './job.ts';
import { moversFor } from './movers-for.ts';
import { mergeLeaves, planLeaves } from './plan-leaves.ts';
import { Progress } from './progress.ts';

/** Compares two disks byte by byte, whatever their formats. A shorter one counts as zeros behind its end: formats round sizes up. */
export async function compareDisks(a: BlockLocator, b: BlockLocator, tools: JobTools): Promise<CompareOutcome> {
  using diskA = await openLocator(a, tools);
  using diskB = await openLocator(b, tools);
  const disks = [diskA, diskB];
  const virtualSize = Math.max(diskA.virtualSize, diskB.virtualSize);
  const progress = new Progress(virtualSize, tools.report);
  progress.enter('verifying', expectBoth(await Promise.all(disks.map((disk) => estimateData(disk, 0)))));
  const leaves = mergeLeaves(disks.map((disk) => planLeaves(disk, { from: 0, virtualSize: disk.virtualSize })));
  const enough = new AbortController();
  let differsAt: number | undefined;
  try {
    await tools.crew.run({ kind: 'compare', a, b }, leaves, {
      signal: AbortSignal.any([tools.signal, enough.signal]),
      ...moversFor(...disks),
      on: {
        done: (result) => {
          progress.advance(result.leaf, result.dataRead);
          // Results come in order, so the first one is the first difference of the whole disk.
          if (result.differsAt === undefined || differsAt !== undefined) return;
          differsAt = result.differsAt;
          enough.abort();
        },
      },
    });
  } catch (error) {
    if (differsAt === undefined) throw error;
  }
  if (differsAt === undefined) return { result: 'equal', virtualSize };
  return { result: 'different', offset: differsAt, what: `The disks differ first at byte ${differsAt} (${formatBytes(differsAt)}).` };
}

/** Both disks are read, so their data adds up; unless one could not be counted. */
function expectBoth(counts: readonly { readonly dataExpected?: number }[]): { readonly dataExpected?: number } {
  let sum = 0;
  for (const { dataExpected } of counts) {
    if (dataExpected === undefined) return {};
    sum += dataExpected;
  }
  return { dataExpected: sum };
}
