import { MIB } from '@hypersdk/domain';
import type { BenchCase, Goal } from './bench-case.ts';
import type { CaseResult } from './run-case.ts';
import { median, medianRatio } from './statistics.ts';

export interface Verdict {
  readonly goal: Goal;
  /** The peer that was compared with: the fastest of those named. */
  readonly peer: string;
  readonly ratio: number;
  readonly met: boolean;
  /** The same ratio for the unavoidable work alone. */
  readonly limit?: number;
}

/** Compares a result with the goals of its case. */
export function judge(bench: BenchCase, result: CaseResult): readonly Verdict[] {
  return bench.goals.flatMap((goal) => {
    if (goal.measure === 'memory') return judgeMemory(goal, result);
    const peer = bestPeer(goal.peers, result);
    if (peer === undefined) return [];
    const ratio = ratioOf(goal, peer, result);
    return [{ goal, peer, ratio, met: ratio <= goal.atMost, ...limitOf(goal, peer, result) }];
  });
}

/** The contestant with the least wall time among the names and families given. */
export function bestPeer(peers: readonly string[], { rounds, families }: CaseResult): string | undefined {
  const candidates = Object.keys(rounds).filter((name) => peers.includes(name) || peers.includes(families[name] ?? ''));
  return candidates.toSorted((a, b) => medianWall(a, rounds) - medianWall(b, rounds))[0];
}

const medianWall = (name: string, rounds: CaseResult['rounds']): number => median(rounds[name]?.map(({ wallMs }) => wallMs) ?? []);

function judgeMemory(goal: Goal, { rounds }: CaseResult): readonly Verdict[] {
  const mebibytes = median(rounds[goal.ours]?.map(({ rssBytes }) => rssBytes) ?? []) / MIB;
  return [{ goal, peer: 'MiB', ratio: mebibytes, met: mebibytes <= goal.atMost }];
}

function limitOf({ limit }: Goal, peer: string, { rounds }: CaseResult): Pick<Verdict, 'limit'> {
  if (!limit) return {};
  const wall = limit.reduce((sum, name) => sum + (name.startsWith('-') ? -medianWall(name.slice(1), rounds) : medianWall(name, rounds)), 0);
  return { limit: wall / medianWall(peer, rounds) };
}

function ratioOf(goal: Goal, peer: string, { rounds, outputs }: CaseResult): number {
  const [ours, theirs] = [rounds[goal.ours] ?? [], rounds[peer] ?? []];
  switch (goal.measure) {
    case 'wall':
      return medianRatio(
        ours.map(({ wallMs }) => wallMs),
        theirs.map(({ wallMs }) => wallMs),
      );
    case 'cpu':
      return medianRatio(
        ours.map(({ cpuMs }) => cpuMs),
        theirs.map(({ cpuMs }) => cpuMs),
      );
    case 'memory':
      return Number.NaN;
    case 'size':
      return (outputs[goal.ours]?.fileSize ?? Number.NaN) / (outputs[peer]?.fileSize ?? Number.NaN);
  }
}
