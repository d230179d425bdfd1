import { expect, test } from 'vitest';
import type { BenchCase } from './bench-case.ts';
import { bestPeer, judge } from './judge.ts';
import type { CaseResult } from './run-case.ts';

const cost = (wallMs: number, cpuMs: number) => ({ wallMs, cpuMs, rssBytes: 64 * 1024 ** 2 });
const result: CaseResult = {
  id: 'X',
  rounds: {
    ours: [cost(1, 4), cost(2, 8), cost(1, 4)],
    fast: [cost(2, 2), cost(4, 4), cost(2, 2)],
    slow: [cost(9, 1), cost(9, 1), cost(9, 1)],
  },
  outputs: { ours: { fileSize: 110, allocatedSize: 0 }, fast: { fileSize: 100, allocatedSize: 0 } },
  families: { fast: 'peer', slow: 'peer' },
};
const bench: BenchCase = {
  id: 'X',
  title: '',
  image: 'os.raw',
  needs: [],
  contestants: [],
  goals: [
    { ours: 'ours', peers: ['peer'], measure: 'wall', atMost: 0.5, limit: ['slow', '-fast'] },
    { ours: 'ours', peers: ['peer'], measure: 'cpu', atMost: 1 },
    { ours: 'ours', peers: ['fast'], measure: 'size', atMost: 1.1 },
    { ours: 'ours', peers: ['absent'], measure: 'wall', atMost: 1 },
    { ours: 'ours', peers: [], measure: 'memory', atMost: 63 },
  ],
};

test('the fastest of a family is the one to beat', () => {
  expect(bestPeer(['peer'], result)).toBe('fast');
  expect(bestPeer(['slow'], result)).toBe('slow');
  expect(bestPeer(['absent'], result)).toBeUndefined();
});

test('the limit is the work that cannot be left out over the peer', () => {
  expect(judge(bench, result).map(({ limit }) => limit)).toEqual([3.5, undefined, undefined, undefined]);
});

test('each goal is judged by its own measure, and one without a peer not at all', () => {
  expect(judge(bench, result).map(({ goal, ratio, met }) => [goal.measure, ratio, met])).toEqual([
    ['wall', 0.5, true],
    ['cpu', 2, false],
    ['size', 1.1, true],
    ['memory', 64, false],
  ]);
});
