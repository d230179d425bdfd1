import { LEAF_SIZE, leafCount, leafRange } from '@hypersdk/domain';
import { expect } from 'vitest';
import { contentDigest } from '../memory/content-digest.ts';
import type { Check } from './check.ts';
import { calm, expectCancelled } from './expectations.ts';
import { type ArrangeTransfer, DISK_SIZE, diskContent, flipByte, requestOf } from './transfer-subject.ts';

/** What digest, verify and compare promise. */
export const proofChecks = (arrange: ArrangeTransfer): readonly Check[] => [
  ...verifyChecks(arrange),
  ...rootChecks(arrange),
  ...compareChecks(arrange),
];

/** First and last byte of the disk, one in a run of zeros, and both sides of a leaf border. */
const PLACES = [0, LEAF_SIZE - 1, LEAF_SIZE, LEAF_SIZE + 12_345, DISK_SIZE - 1];

/** What is told without the leaf digests. */
function rootChecks(arrange: ArrangeTransfer): readonly Check[] {
  return [
    {
      name: 'verify says that the leaf digests are not there, and compares the root',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const request = { expected: contentDigest(diskContent(1)), leavesPath: subject.freshPath(), percent: 100 };
        const [same, other] = [await subject.makeSource(diskContent(1)), await subject.makeSource(flipByte(diskContent(1), 1))];
        expect(await transfer.verify({ ...request, source: same }, calm)).toMatchObject({ result: 'equal', leavesMissing: true });
        expect(await transfer.verify({ ...request, source: other }, calm)).toMatchObject({ result: 'different', leavesMissing: true });
      },
    },
    {
      name: 'verify notices a wrong byte without the leaves too',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const source = await subject.makeSource(flipByte(diskContent(1), 2 * LEAF_SIZE + 1));
        const outcome = await transfer.verify({ source, expected: contentDigest(diskContent(1)), percent: 100 }, calm);
        expect(outcome.result).toBe('different');
      },
    },
  ];
}

function verifyChecks(arrange: ArrangeTransfer): readonly Check[] {
  return [
    {
      name: 'verify finds a true copy equal',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const { path, content, leavesPath, containerDigest } = await transfer.copy(await requestOf(subject, diskContent(1)), calm);
        if (!content || leavesPath === undefined || containerDigest === undefined) expect.fail('The copy came without its proof.');
        const container = { path, digest: containerDigest };
        const outcome = await transfer.verify({ source: subject.locate(path), expected: content, leavesPath, container, percent: 100 }, calm);
        expect(outcome.result).toBe('equal');
        expect(outcome.leavesChecked).toBeGreaterThan(0);
        expect(outcome.leavesChecked).toBeLessThanOrEqual(leafCount(DISK_SIZE));
      },
    },
    {
      name: 'verify names the leaf with the wrong byte',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const { content: expected, leavesPath } = await transfer.copy(await requestOf(subject, diskContent(1)), calm);
        if (!expected || leavesPath === undefined) expect.fail('The copy came without its proof.');
        for (const place of PLACES) {
          const source = await subject.makeSource(flipByte(diskContent(1), place));
          const leaf = Math.floor(place / LEAF_SIZE);
          const outcome = await transfer.verify({ source, expected, leavesPath, percent: 100 }, calm);
          expect(outcome).toMatchObject({ result: 'different', leaf, ...leafRange(leaf, DISK_SIZE) });
        }
      },
    },
    {
      name: 'verify notices a file that is not the one that was written',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const { path, content: expected } = await transfer.copy(await requestOf(subject, diskContent(1)), calm);
        if (!expected) expect.fail('The copy came without its proof.');
        const container = { path, digest: 'a'.repeat(64) };
        const outcome = await transfer.verify({ source: subject.locate(path), expected, container, percent: 100 }, calm);
        expect(outcome.result).toBe('different');
      },
    },
    {
      name: 'digest answers the tree over the source',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        for (const content of [
          diskContent(1),
          new Uint8Array(LEAF_SIZE),
          diskContent(3).subarray(0, 2 * LEAF_SIZE),
          diskContent(2).subarray(0, 512),
        ]) {
          expect(await transfer.digest(await subject.makeSource(content), calm)).toEqual(contentDigest(content));
        }
      },
    },
  ];
}

function compareChecks(arrange: ArrangeTransfer): readonly Check[] {
  return [
    {
      name: 'compare finds equal disks equal',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const [a, b] = [await subject.makeSource(diskContent(1)), await subject.makeSource(diskContent(1))];
        expect(await transfer.compare(a, b, calm)).toEqual({ result: 'equal', virtualSize: DISK_SIZE });
      },
    },
    {
      name: 'compare names the first byte that differs',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const a = await subject.makeSource(diskContent(1));
        for (const offset of PLACES) {
          const once = flipByte(diskContent(1), offset);
          const b = await subject.makeSource(offset === DISK_SIZE - 1 ? once : flipByte(once, DISK_SIZE - 1));
          expect(await transfer.compare(a, b, calm)).toMatchObject({ result: 'different', offset });
          expect(await transfer.compare(b, a, calm)).toMatchObject({ result: 'different', offset });
        }
      },
    },
    {
      name: 'compare notices that one disk is longer',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const [long, short] = [await subject.makeSource(diskContent(1)), await subject.makeSource(diskContent(1).subarray(0, DISK_SIZE - 512))];
        expect((await transfer.compare(long, short, calm)).result).toBe('different');
        expect((await transfer.compare(short, long, calm)).result).toBe('different');
      },
    },
    {
      name: 'cancelled verify, compare and digest reject with the reason',
      run: async () => {
        await using subject = await arrange();
        await using transfer = await subject.open();
        const source = await subject.makeSource(diskContent(1));
        await expectCancelled((o) => transfer.verify({ source, expected: contentDigest(diskContent(1)), percent: 100 }, o));
        await expectCancelled((o) => transfer.compare(source, source, o));
        await expectCancelled((o) => transfer.digest(source, o));
      },
    },
  ];
}
