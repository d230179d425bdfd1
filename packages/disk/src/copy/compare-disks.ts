import { formatBytes } from '@hypersdk/domain';
import type { BlockLocator, CompareOutcome } from '@hypersdk/ports';
import { openLocator } from '../locator/open-locator.ts';
import { estimateData } from './estimate-data.ts';
import type { JobTools } from './job.ts';
import { mergeLeaves, planLeaves } from './plan-leaves.ts';
import { Progress } from './progress.ts';

/** Compares two disks byte by byte, whatever their formats. A shorter one counts as zeros behind its end: formats round sizes up. */
export async function compareDisks(a: BlockLocator, b: BlockLocator, tools: JobTools): Promise<CompareOutcome> {
  using imageA = openLocator(a);
  using imageB = openLocator(b);
  const virtualSize = Math.max(imageA.virtualSize, imageB.virtualSize);
  const progress = new Progress(virtualSize, tools.report);
  progress.enter('verifying', expectBoth([imageA, imageB].map((image) => estimateData(image, 0).dataExpected)));
  const leaves = mergeLeaves([imageA, imageB].map((image) => planLeaves(image, { from: 0, virtualSize: image.virtualSize })));
  const enough = new AbortController();
  let differsAt: number | undefined;
  try {
    await tools.crew.run({ kind: 'compare', a, b }, leaves, {
      signal: AbortSignal.any([tools.signal, enough.signal]),
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
function expectBoth(counts: readonly (number | undefined)[]): { readonly dataExpected?: number } {
  let dataExpected = 0;
  for (const count of counts) {
    if (count === undefined) return {};
    dataExpected += count;
  }
  return { dataExpected };
}
