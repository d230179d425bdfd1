import { endOf, type ByteRange } from '@hypersdk/domain';
import type { BlockSource } from '@hypersdk/ports';
import { expect } from 'vitest';
import { type Check, registerChecks } from './check.ts';
import { calm, expectCancelled, expectEqualBytes, expectRejection } from './expectations.ts';

export interface BlockSourceSubject {
  /** At least 2 KiB, with zeros in it where the source can tell. */
  readonly content: Uint8Array;
  /** A fresh source over exactly `content`. */
  open(): Promise<BlockSource>;
}

/** What every block source promises. `open` answers a fresh source over exactly `content` (at least 2 KiB). */
export function blockSourceContract(content: Uint8Array, open: () => Promise<BlockSource>): void {
  registerChecks('block source', checksOfBlockSource({ content, open }));
}

export const checksOfBlockSource = (subject: BlockSourceSubject): readonly Check[] => [...extentChecks(subject), ...readChecks(subject)];

function extentChecks({ content, open }: BlockSourceSubject): readonly Check[] {
  return [
    {
      name: 'it is as large as its content',
      run: async () => {
        await using source = await open();
        expect(source.virtualSize).toBe(content.length);
        expect(Number.isSafeInteger(source.blockAlign) && source.blockAlign >= 1).toBe(true);
      },
    },
    {
      name: 'extents tile the disk without gap or overlap',
      run: async () => {
        await using source = await open();
        await expectTiles(source, { offset: 0, length: source.virtualSize });
      },
    },
    {
      name: 'extents of a range are clipped to it',
      run: async () => {
        await using source = await open();
        for (const range of rangesOf(content.length)) await expectTiles(source, range);
      },
    },
    {
      name: 'what is not data reads as zeros',
      run: async () => {
        await using source = await open();
        for await (const extent of source.extents(calm)) {
          if (extent.kind !== 'data') expectEqualBytes(content.subarray(extent.offset, endOf(extent)), new Uint8Array(extent.length));
        }
      },
    },
    {
      name: 'a walk over the extents can be left early and begun again',
      run: async () => {
        await using source = await open();
        for await (const first of source.extents(calm)) {
          expect(first.offset).toBe(0);
          break;
        }
        await expectTiles(source, { offset: 0, length: source.virtualSize });
      },
    },
    {
      name: 'a cancelled walk over the extents rejects with the reason',
      run: async () => {
        await using source = await open();
        await expectCancelled((o) => Array.fromAsync(source.extents(o)));
      },
    },
  ];
}

function readChecks({ content, open }: BlockSourceSubject): readonly Check[] {
  return [
    {
      name: 'reads are exact at every border',
      run: async () => {
        await using source = await open();
        for (const range of rangesOf(content.length)) expectEqualBytes(await readRange(source, range), slice(content, range));
      },
    },
    {
      name: 'the same read answers the same bytes again',
      run: async () => {
        await using source = await open();
        const range = { offset: 1, length: 1022 };
        await readRange(source, { offset: 512, length: 1024 });
        for (let round = 0; round < 3; round += 1) expectEqualBytes(await readRange(source, range), slice(content, range));
      },
    },
    {
      name: 'reads made at the same time do not mix',
      run: async () => {
        await using source = await open();
        const ranges = [...rangesOf(content.length), ...rangesOf(content.length).toReversed()];
        const answers = await Promise.all(ranges.map((range) => readRange(source, range)));
        answers.forEach((answer, index) => expectEqualBytes(answer, slice(content, ranges[index] ?? { offset: 0, length: 0 })));
      },
    },
    {
      name: 'a read past the end is refused, not shortened',
      run: async () => {
        await using source = await open();
        await expectRejection(source.read(content.length - 1, new Uint8Array(2), calm));
        await expectRejection(source.read(content.length, new Uint8Array(1), calm));
      },
    },
    {
      name: 'a cancelled read rejects with the reason',
      run: async () => {
        await using source = await open();
        await expectCancelled((o) => source.read(0, new Uint8Array(512), o));
      },
    },
  ];
}

/** Ranges that start and end on and beside sector borders, the ends of the disk included. */
function rangesOf(size: number): readonly ByteRange[] {
  const half = Math.floor(size / 2);
  return [
    { offset: 0, length: 1 },
    { offset: 511, length: 2 },
    { offset: 512, length: 512 },
    { offset: half - 1, length: 3 },
    { offset: half, length: size - half },
    { offset: size - 1, length: 1 },
    { offset: 0, length: size },
  ];
}

async function expectTiles(source: BlockSource, range: ByteRange): Promise<void> {
  let at = range.offset;
  for await (const extent of source.extents({ ...calm, range })) {
    expect(extent.offset, 'start of an extent').toBe(at);
    expect(extent.length, 'length of an extent').toBeGreaterThan(0);
    at = endOf(extent);
  }
  expect(at, 'end of the last extent').toBe(endOf(range));
}

async function readRange(source: BlockSource, { offset, length }: ByteRange): Promise<Uint8Array> {
  const into = new Uint8Array(length).fill(0xa5);
  await source.read(offset, into, calm);
  return into;
}

const slice = (content: Uint8Array, range: ByteRange): Uint8Array => content.subarray(range.offset, endOf(range));
