import type { Branches } from './branches.ts';
import type { FuzzReader } from './fuzz-reader.ts';
import { judge } from './judge.ts';
import type { Entry } from './pool.ts';
import { encodeSample, type Sample } from './sample.ts';

/** The few samples that together reach every branch that the pool reaches, small ones first. */
export async function distil(
  reader: FuzzReader,
  { pool, branches }: { readonly pool: readonly Entry[]; readonly branches: Branches },
): Promise<readonly Sample[]> {
  const known = new Set<number>();
  const kept: Sample[] = [];
  const bySize = pool.map(({ sample }) => ({ sample, size: encodeSample(sample).length })).toSorted((a, b) => a.size - b.size);
  branches.takeReached();
  for (const { sample } of bySize) {
    // What it throws was judged when the sample came into the pool; here only the branches count, which a defect reaches too.
    await judge(reader, sample).catch(() => undefined);
    const news = branches.takeReached().filter((branch) => !known.has(branch));
    if (news.length === 0) continue;
    for (const branch of news) known.add(branch);
    kept.push(sample);
  }
  return kept;
}
