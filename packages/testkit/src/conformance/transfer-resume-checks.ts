import { expect } from 'vitest';
import { contentDigest } from '../memory/content-digest.ts';
import type { Check } from './check.ts';
import { calm, expectCancelled } from './expectations.ts';
import { type ArrangeTransfer, diskContent, expectNoTarget, expectTarget, interruptCopy, requestOf } from './transfer-subject.ts';

/** What a copy promises when it is interrupted and asked for again. */
export const resumeChecks = (arrange: ArrangeTransfer): readonly Check[] => [...interruptionChecks(arrange), ...restartChecks(arrange)];

function interruptionChecks(arrange: ArrangeTransfer): readonly Check[] {
  return [
    {
      name: 'a cancelled copy rejects with the reason and has no target',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = requestOf(subject, await subject.makeSource(diskContent(1)));
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
        const request = requestOf(subject, await subject.makeSource(diskContent(1)));
        await interruptCopy(transfer, request);
        const outcome = await transfer.copy(request, calm);
        await expectTarget(subject, request.path, diskContent(1));
        expect(outcome.content).toEqual(contentDigest(diskContent(1)));
        expect(outcome.resumedAt, 'bytes settled already').toBeGreaterThan(0);
        expect(outcome.restartReason).toBeUndefined();
      },
    },
    {
      name: 'a cancelled copy over an existing target leaves the old one as it was',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = requestOf(subject, await subject.makeSource(diskContent(1)));
        await transfer.copy(request, calm);
        await interruptCopy(transfer, { ...request, source: await subject.makeSource(diskContent(2)), sourceMark: 'mark-2', overwrite: true });
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
        const source = await subject.makeSource(diskContent(1));
        const request = requestOf(subject, source);
        await interruptCopy(transfer, request);
        await subject.rewriteSource(source, diskContent(2));
        const outcome = await transfer.copy({ ...request, sourceMark: 'mark-2' }, calm);
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
        const request = requestOf(subject, await subject.makeSource(diskContent(1)));
        await interruptCopy(transfer, request);
        const outcome = await transfer.copy({ ...request, restart: true }, calm);
        await expectTarget(subject, request.path, diskContent(1));
        expect(outcome.resumedAt).toBe(0);
      },
    },
  ];
}
