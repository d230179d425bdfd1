import { LEAF_SIZE } from '@hypersdk/domain';
import type { CopyProgress } from '@hypersdk/ports';
import { expect } from 'vitest';
import { contentDigest } from '../memory/content-digest.ts';
import type { Check } from './check.ts';
import { calm, expectCancelled } from './expectations.ts';
import {
  type ArrangeTransfer,
  DISK_SIZE,
  diskContent,
  expectNoTarget,
  expectTarget,
  INTERRUPTIBLE_RATE,
  interruptCopy,
  noise,
  requestOf,
  withSource,
} from './transfer-subject.ts';

/** What a copy promises when it is interrupted and asked for again. */
export const resumeChecks = (arrange: ArrangeTransfer): readonly Check[] => [...interruptionChecks(arrange), ...restartChecks(arrange)];

function interruptionChecks(arrange: ArrangeTransfer): readonly Check[] {
  return [
    {
      name: 'a cancelled copy rejects with the reason and has no target',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = await requestOf(subject, diskContent(1));
        await interruptCopy(transfer, request);
        await expectNoTarget(subject, request.path);
        await expectCancelled((o) => transfer.copy(request, o));
      },
    },
    {
      name: 'the same request goes on where the cancelled copy stopped',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const content = noise(4, subject.windowSize + 2 * DISK_SIZE);
        const request = await requestOf(subject, content);
        // The first checkpoint may still be on its way to the medium when it is due, so the copy is stopped a leaf later; what then is left takes half a second,
        // in which the stop arrives also on a busy machine.
        await interruptCopy(transfer, request, { after: subject.windowSize + LEAF_SIZE, rate: content.length / 2 });
        const outcome = await transfer.copy(request, calm);
        await expectTarget(subject, request.path, content);
        expect(outcome.content).toEqual(contentDigest(content));
        expect(outcome.resumedAt, 'bytes settled already').toBeGreaterThan(0);
        expect(outcome.restartReason).toBeUndefined();
      },
    },
    {
      name: 'closing calls a running copy off with a word, and no target is made',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = await requestOf(subject, diskContent(1));
        const closed = Promise.withResolvers<void>();
        const onProgress = ({ stage }: CopyProgress): void => {
          if (stage === 'copying') closed.resolve(transfer[Symbol.asyncDispose]());
        };
        const outcome = transfer.copy({ ...request, rateLimit: INTERRUPTIBLE_RATE }, { ...calm, onProgress });
        await expect(outcome).rejects.toMatchObject({ code: 'transfer/cancelled' });
        await closed.promise;
        await expectNoTarget(subject, request.path);
      },
    },
    {
      name: 'a cancelled copy over an existing target leaves the old one as it was',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = await requestOf(subject, diskContent(1));
        await transfer.copy(request, calm);
        await interruptCopy(transfer, { ...(await withSource(subject, request, diskContent(2))), overwrite: true });
        await expectTarget(subject, request.path, diskContent(1));
      },
    },
  ];
}

function restartChecks(arrange: ArrangeTransfer): readonly Check[] {
  return [
    {
      name: 'another mark starts over, says why, and never splices two points in time',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = await requestOf(subject, diskContent(1));
        const { source } = request;
        await interruptCopy(transfer, request);
        await subject.rewriteSource(source, diskContent(2));
        const outcome = await transfer.copy({ ...request, sourceMark: await subject.markOf(source) }, calm);
        await expectTarget(subject, request.path, diskContent(2));
        expect(outcome.resumedAt).toBe(0);
        expect(outcome.restartReason).toBeTypeOf('string');
      },
    },
    {
      name: 'a restart throws the kept work away',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = await requestOf(subject, diskContent(1));
        await interruptCopy(transfer, request);
        const outcome = await transfer.copy({ ...request, restart: true }, calm);
        await expectTarget(subject, request.path, diskContent(1));
        expect(outcome.resumedAt).toBe(0);
      },
    },
  ];
}
