import { HyperError, leafCount } from '@hypersdk/domain';
import type { CopyProgress, CopyStage } from '@hypersdk/ports';
import { expect } from 'vitest';
import { contentDigest } from '../memory/content-digest.ts';
import type { Check } from './check.ts';
import { calm, expectRefusal } from './expectations.ts';
import {
  type ArrangeTransfer,
  DISK_SIZE,
  diskContent,
  expectNoTarget,
  expectTarget,
  INTERRUPTIBLE_RATE,
  plainRequest,
  requestOf,
  withSource,
} from './transfer-subject.ts';

const STAGES: readonly CopyStage[] = ['planning', 'copying', 'syncing', 'verifying', 'publishing'];

/** What a copy promises when nothing interrupts it. */
export const copyChecks = (arrange: ArrangeTransfer): readonly Check[] => [
  ...contentChecks(arrange),
  ...targetChecks(arrange),
  ...refusalChecks(arrange),
  ...courseChecks(arrange),
];

function contentChecks(arrange: ArrangeTransfer): readonly Check[] {
  return [
    {
      name: 'a copy has the content of its source',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        for (const content of [diskContent(1), new Uint8Array(DISK_SIZE), diskContent(2).subarray(0, 512)]) {
          const request = await requestOf(subject, content);
          const outcome = await transfer.copy(request, calm);
          await expectTarget(subject, request.path, content);
          expect(outcome).toMatchObject({ path: request.path, virtualSize: content.length, resumedAt: 0 });
        }
      },
    },
    {
      name: 'the digest of a copy is the tree over the source',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        for (const content of [diskContent(1), diskContent(2).subarray(0, 512)]) {
          const outcome = await transfer.copy(await requestOf(subject, content), calm);
          expect(outcome.content).toEqual(contentDigest(content));
          // Leaves that the target does not hold need no reading.
          expect(outcome.leavesChecked).toBeGreaterThan(0);
          expect(outcome.leavesChecked).toBeLessThanOrEqual(leafCount(content.length));
          expect(outcome.leavesPath).toBeTypeOf('string');
        }
      },
    },
    {
      name: 'a plain conversion copies too, and claims no proof',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = { ...(await requestOf(subject, diskContent(1))), digest: 'none', durability: 'none' } as const;
        const outcome = await transfer.copy(request, calm);
        await expectTarget(subject, request.path, diskContent(1));
        expect(outcome.content).toBeUndefined();
        expect(outcome.leavesPath).toBeUndefined();
      },
    },
    {
      name: 'copies made at the same time do not mix',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const contents = [diskContent(1), diskContent(2), diskContent(3)];
        const requests = await Promise.all(contents.map((content) => requestOf(subject, content)));
        await Promise.all(requests.map((request) => transfer.copy(request, calm)));
        for (const [index, request] of requests.entries()) await expectTarget(subject, request.path, contents[index] ?? new Uint8Array(0));
      },
    },
  ];
}

function targetChecks(arrange: ArrangeTransfer): readonly Check[] {
  return [
    {
      name: 'a target that exists is refused and stays as it is',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = await requestOf(subject, diskContent(1));
        await transfer.copy(request, calm);
        await expectRefusal(transfer.copy(await withSource(subject, request, diskContent(2)), calm), 'target/exists');
        await expectTarget(subject, request.path, diskContent(1));
      },
    },
    {
      name: 'the same copy once more is refused, or known to be done without being made again',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = await requestOf(subject, diskContent(1));
        const first = await transfer.copy(request, calm);
        const again = await transfer.copy(request, calm).catch((reason: unknown) => reason);
        if (again instanceof HyperError) expect(again.code).toBe('target/exists');
        else expect(again).toMatchObject({ path: first.path, content: first.content, containerDigest: first.containerDigest, dataRead: 0 });
        await expectTarget(subject, request.path, diskContent(1));
      },
    },
    {
      name: 'a target that exists is replaced when that is wanted',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = await requestOf(subject, diskContent(1));
        await transfer.copy(request, calm);
        await transfer.copy({ ...(await withSource(subject, request, diskContent(2))), overwrite: true }, calm);
        await expectTarget(subject, request.path, diskContent(2));
      },
    },
  ];
}

function refusalChecks(arrange: ArrangeTransfer): readonly Check[] {
  return [
    {
      name: 'an absent source is said to be absent, and leaves no target',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = { ...plainRequest(subject), source: subject.absentSource(), sourceMark: 'none' };
        await expectRefusal(transfer.copy(request, calm), 'source/not-found');
        await expectNoTarget(subject, request.path);
      },
    },
    {
      name: 'a setting that the format does not know is refused',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = await requestOf(subject, diskContent(1));
        const settings = { ...subject.settings, subformat: 'no-such-subformat' };
        await expectRefusal(transfer.copy({ ...request, settings }, calm), 'usage/invalid');
        await expectNoTarget(subject, request.path);
      },
    },
    {
      name: 'a source that is written while it is read is noticed, and nothing is published',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = { ...(await requestOf(subject, diskContent(1))), rateLimit: INTERRUPTIBLE_RATE };
        let rewritten: Promise<void> | undefined;
        const onProgress = ({ stage, settled }: CopyProgress): void => {
          if (stage === 'copying' && settled > 0) rewritten ??= subject.rewriteSource(request.source, diskContent(2));
        };
        await expectRefusal(transfer.copy(request, { ...calm, onProgress }), 'source/changed');
        await rewritten;
        await expectNoTarget(subject, request.path);
      },
    },
  ];
}

function courseChecks(arrange: ArrangeTransfer): readonly Check[] {
  return [
    {
      name: 'progress never goes back and ends at the size of the disk',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const seen: CopyProgress[] = [];
        const request = { ...(await requestOf(subject, diskContent(1))), rateLimit: INTERRUPTIBLE_RATE };
        await transfer.copy(request, { ...calm, onProgress: (progress) => seen.push(progress) });
        expectForward(seen);
        expect(seen.at(-1)).toMatchObject({ settled: DISK_SIZE, virtualSize: DISK_SIZE });
      },
    },
    {
      name: 'a limited rate is kept',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = { ...(await requestOf(subject, diskContent(1))), rateLimit: INTERRUPTIBLE_RATE / 4 };
        const begun = performance.now();
        await transfer.copy(request, calm);
        // 8 MiB of data at 4 MiB/s take two seconds; half of it may come in a burst at the start.
        expect(performance.now() - begun).toBeGreaterThan(900);
      },
    },
    {
      name: 'copies that share a budget keep its rate together',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = { ...(await requestOf(subject, diskContent(1))), rateLimit: transfer.openBudget(INTERRUPTIBLE_RATE / 2) };
        const begun = performance.now();
        await Promise.all(['a', 'b'].map((end) => transfer.copy({ ...request, path: `${request.path}-${end}` }, calm)));
        // Two disks with 8 MiB of data each at 8 MiB/s take two seconds; alone each would take one.
        expect(performance.now() - begun).toBeGreaterThan(1700);
      },
    },
    {
      name: 'a changed rate holds from then on',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const budget = transfer.openBudget(64 * INTERRUPTIBLE_RATE);
        const request = { ...(await requestOf(subject, diskContent(1))), rateLimit: budget };
        const timeOf = async (path: string): Promise<number> => {
          const begun = performance.now();
          await transfer.copy({ ...request, path }, calm);
          return performance.now() - begun;
        };
        const fast = await timeOf(request.path);
        transfer.setRate(budget, INTERRUPTIBLE_RATE / 16);
        // Four seconds for the data: held against the copy before, so that a busy machine, where both take longer, is not taken for a rate.
        expect((await timeOf(`${request.path}-later`)) - fast).toBeGreaterThan(2000);
      },
    },
  ];
}

/** Stages come in their order, and nothing that was settled is taken back within one. */
function expectForward(seen: readonly CopyProgress[]): void {
  for (const [index, next] of seen.entries()) {
    const before = seen[index - 1] ?? { ...next, settled: 0, dataRead: 0 };
    expect(STAGES.indexOf(next.stage), `stage after ${before.stage}`).toBeGreaterThanOrEqual(STAGES.indexOf(before.stage));
    expect(next.settled).toBeLessThanOrEqual(next.virtualSize);
    if (next.stage === before.stage) expect(next.settled).toBeGreaterThanOrEqual(before.settled);
    if (next.stage === before.stage) expect(next.dataRead).toBeGreaterThanOrEqual(before.dataRead);
  }
}
