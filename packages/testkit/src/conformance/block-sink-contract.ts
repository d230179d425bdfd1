import type { BlockSink } from '@hypersdk/ports';
import { expect } from 'vitest';
import { type Check, registerChecks } from './check.ts';
import { calm, expectCancelled, expectEqualBytes, expectRejection } from './expectations.ts';

/** A sink under test, and the way to see afterwards what it made. */
export interface SinkSubject {
  readonly sink: BlockSink;
  /** The whole disk as a reader would see it; undefined when there is none. */
  readBack(): Promise<Uint8Array | undefined>;
}

export type OpenSink = (virtualSize: number) => Promise<SinkSubject>;

/** What every block sink promises. `open` answers a fresh, empty sink of that size. */
export function blockSinkContract(open: OpenSink): void {
  registerChecks('block sink', checksOfBlockSink(open));
}

export const checksOfBlockSink = (open: OpenSink): readonly Check[] => [...contentChecks(open), ...borderChecks(open), ...endChecks(open)];

/** Not a multiple of 4 KiB, so that the last block of every format is a short one. */
const SIZE = 96 * 1024 + 512;
const PIECE = Uint8Array.from({ length: 1536 }, (_, at) => 1 + ((at * 11) % 250));

function contentChecks(open: OpenSink): readonly Check[] {
  return [
    {
      name: 'what is written reads back, and the rest reads as zeros',
      run: async () => {
        const expected = disk([0, PIECE], [40_960, PIECE], [SIZE - PIECE.length, PIECE]);
        await expectMade(open, expected, async (sink) => {
          for (const offset of [0, 40_960, SIZE - PIECE.length]) await sink.write(offset, PIECE, calm);
        });
      },
    },
    {
      name: 'a disk that nothing was written to is all zeros and as large as asked for',
      run: () => expectMade(open, new Uint8Array(SIZE), async () => {}),
    },
    {
      name: 'a zeroed range reads as zeros, also where bytes were written before',
      run: () =>
        expectMade(open, disk([0, PIECE.subarray(0, 512)], [70_000, PIECE]), async (sink) => {
          if (sink.ordered) await sink.write(0, PIECE.subarray(0, 512), calm);
          if (!sink.ordered) await sink.write(0, PIECE, calm);
          await sink.zero({ offset: 512, length: 1024 }, calm);
          await sink.zero({ offset: 4096, length: 8192 }, calm);
          await sink.write(70_000, PIECE, calm);
        }),
    },
    {
      name: 'bytes may be used again once a write has settled',
      run: () =>
        expectMade(open, disk([8192, PIECE]), async (sink) => {
          const borrowed = PIECE.slice();
          await sink.write(8192, borrowed, calm);
          borrowed.fill(0xee);
        }),
    },
    {
      name: 'writing goes on after a flush',
      run: () =>
        expectMade(open, disk([0, PIECE], [20_480, PIECE]), async (sink) => {
          await sink.write(0, PIECE, calm);
          await sink.flush(calm);
          await sink.write(20_480, PIECE, calm);
        }),
    },
    {
      name: 'an ordered sink refuses an earlier offset, any other takes every order',
      run: async () => {
        const { sink, readBack } = await open(SIZE);
        await using _ = sink;
        await sink.write(32_768, PIECE, calm);
        const earlier = sink.write(4096, PIECE, calm);
        if (sink.ordered) return await expectRejection(earlier);
        await earlier;
        await sink.finish(calm);
        expectEqualBytes((await readBack()) ?? new Uint8Array(0), disk([4096, PIECE], [32_768, PIECE]));
      },
    },
  ];
}

function borderChecks(open: OpenSink): readonly Check[] {
  return [
    {
      name: 'a write past the end is refused and changes nothing',
      run: () =>
        expectMade(open, disk([0, PIECE]), async (sink) => {
          await sink.write(0, PIECE, calm);
          await expectRejection(sink.write(SIZE - 512, PIECE, calm));
        }),
    },
    {
      name: 'zeros past the end are refused',
      run: () => expectMade(open, new Uint8Array(SIZE), (sink) => expectRejection(sink.zero({ offset: SIZE - 512, length: 1024 }, calm))),
    },
    {
      name: 'a cancelled write rejects with the reason and changes nothing',
      run: () =>
        expectMade(open, disk([0, PIECE]), async (sink) => {
          await sink.write(0, PIECE, calm);
          await expectCancelled((o) => sink.write(16_384, PIECE, o));
        }),
    },
    {
      name: 'cancelled zeros, flush and finish reject with the reason',
      run: async () => {
        const { sink } = await open(SIZE);
        await using _ = sink;
        await expectCancelled((o) => sink.zero({ offset: 0, length: 512 }, o));
        await expectCancelled((o) => sink.flush(o));
        await expectCancelled((o) => sink.finish(o));
      },
    },
  ];
}

function endChecks(open: OpenSink): readonly Check[] {
  return [
    {
      name: 'nothing may be written after finish',
      run: async () => {
        const { sink, readBack } = await open(SIZE);
        await using _ = sink;
        await sink.write(0, PIECE, calm);
        await sink.finish(calm);
        await expectRejection(sink.write(4096, PIECE, calm));
        await expectRejection(sink.zero({ offset: 0, length: 512 }, calm));
        expectEqualBytes((await readBack()) ?? new Uint8Array(0), disk([0, PIECE]));
      },
    },
    {
      name: 'disposal after finish keeps the disk',
      run: async () => {
        const { sink, readBack } = await open(SIZE);
        await sink.write(0, PIECE, calm);
        await sink.finish(calm);
        await sink[Symbol.asyncDispose]();
        expectEqualBytes((await readBack()) ?? new Uint8Array(0), disk([0, PIECE]));
      },
    },
    {
      name: 'abort removes what was made, however often it is called',
      run: async () => {
        const { sink, readBack } = await open(SIZE);
        await sink.write(0, PIECE, calm);
        await sink.abort();
        await sink.abort();
        await sink[Symbol.asyncDispose]();
        expect(await readBack()).toBeUndefined();
      },
    },
    {
      name: 'disposal without finish gives up like abort',
      run: async () => {
        const { sink, readBack } = await open(SIZE);
        await sink.write(0, PIECE, calm);
        await sink.flush(calm);
        await sink[Symbol.asyncDispose]();
        expect(await readBack()).toBeUndefined();
      },
    },
  ];
}

/** Fills a fresh sink, finishes it, and compares the disk. */
async function expectMade(open: OpenSink, expected: Uint8Array, fill: (sink: BlockSink) => Promise<void>): Promise<void> {
  const { sink, readBack } = await open(expected.length);
  await using _ = sink;
  await fill(sink);
  await sink.finish(calm);
  const made = await readBack();
  if (!made) expect.fail('The sink was finished, but there is no disk.');
  expectEqualBytes(made, expected);
}

function disk(...pieces: readonly (readonly [offset: number, bytes: Uint8Array])[]): Uint8Array {
  const content = new Uint8Array(SIZE);
  for (const [offset, bytes] of pieces) content.set(bytes, offset);
  return content;
}
