import type { BlockSink } from '@hypersdk/ports';
import { MemorySink } from '../memory/memory-sink.ts';
import { registerChecks } from './check.ts';
import { checksOfBlockSink, type OpenSink } from './block-sink-contract.ts';
import { calm } from './expectations.ts';
import { mutate } from './mutate.ts';
import { type Mutant, proveChecks } from './prove-checks.ts';

const openMemory =
  (ordered: boolean): OpenSink =>
  async (virtualSize) => {
    const sink = new MemorySink(virtualSize, { ordered });
    return { sink, readBack: async () => sink.content };
  };

type Flaw = (sink: MemorySink) => Partial<BlockSink>;

function mutant(flaw: string, breaks: string, change: Flaw): Mutant<OpenSink> {
  const subject: OpenSink = async (virtualSize) => {
    const sink = new MemorySink(virtualSize);
    return { sink: mutate<BlockSink>(sink, change(sink)), readBack: async () => sink.content };
  };
  return { flaw, breaks, subject };
}

const seenAs = (flaw: string, breaks: string, see: (content: Uint8Array | undefined) => Uint8Array | undefined): Mutant<OpenSink> => ({
  flaw,
  breaks,
  subject: async (virtualSize) => {
    const sink = new MemorySink(virtualSize);
    return { sink, readBack: async () => see(sink.content) };
  },
});

registerChecks('block sink, the ordered reference', checksOfBlockSink(openMemory(true)));

proveChecks({
  port: 'block sink',
  checksOf: checksOfBlockSink,
  reference: openMemory(false),
  mutants: [
    mutant('writes one byte too few', 'what is written reads back, and the rest reads as zeros', (sink) => ({
      write: (offset, bytes, o) => sink.write(offset, bytes.subarray(1), o),
    })),
    seenAs('truncates the zeros at the end', 'a disk that nothing was written to is all zeros and as large as asked for', (content) =>
      content?.subarray(0, -512),
    ),
    mutant('forgets zeros', 'a zeroed range reads as zeros, also where bytes were written before', () => ({ zero: async () => {} })),
    mutant('keeps the caller’s buffer until it is finished', 'bytes may be used again once a write has settled', (sink) => {
      const kept: (readonly [number, Uint8Array])[] = [];
      return {
        write: async (offset, bytes) => void kept.push([offset, bytes]),
        finish: async (o) => {
          for (const [offset, bytes] of kept) await sink.write(offset, bytes, o);
          await sink.finish(o);
        },
      };
    }),
    mutant('closes when it is flushed', 'writing goes on after a flush', (sink) => ({ flush: (o) => sink.finish(o) })),
    mutant('refuses to go back although it is not ordered', 'an ordered sink refuses an earlier offset, any other takes every order', (sink) => {
      const inOrder = new MemorySink(sink.virtualSize, { ordered: true });
      return {
        write: async (offset, bytes, o) => {
          await inOrder.write(offset, bytes, o);
          await sink.write(offset, bytes, o);
        },
      };
    }),
    mutant('goes back although it is ordered', 'an ordered sink refuses an earlier offset, any other takes every order', () => ({ ordered: true })),
    mutant('writes what fits of a write past the end', 'a write past the end is refused and changes nothing', (sink) => ({
      write: async (offset, bytes, o) => {
        await sink.write(offset, bytes.subarray(0, sink.virtualSize - offset), o);
        if (offset + bytes.length > sink.virtualSize) throw new Error('past the end');
      },
    })),
    mutant('shortens zeros past the end', 'zeros past the end are refused', (sink) => ({
      zero: (range, o) => sink.zero({ offset: range.offset, length: Math.min(range.length, sink.virtualSize - range.offset) }, o),
    })),
    mutant('writes although it was cancelled', 'a cancelled write rejects with the reason and changes nothing', (sink) => ({
      write: async (offset, bytes, { signal }) => {
        await sink.write(offset, bytes, calm);
        signal.throwIfAborted();
      },
    })),
    mutant('flushes although it was cancelled', 'cancelled zeros, flush and finish reject with the reason', () => ({ flush: async () => {} })),
    mutant('takes writes after it was finished', 'nothing may be written after finish', (sink) => ({
      write: async (offset, bytes, o) => (sink.content ? void sink.content.set(bytes, offset) : sink.write(offset, bytes, o)),
    })),
    mutant('removes the finished disk when it is disposed', 'disposal after finish keeps the disk', (sink) => ({
      [Symbol.asyncDispose]: () => sink.abort(),
    })),
    mutant('cannot be aborted twice', 'abort removes what was made, however often it is called', (sink) => {
      let aborted = false;
      return {
        abort: async () => {
          if (aborted) throw new Error('no such file');
          aborted = true;
          await sink.abort();
        },
      };
    }),
    mutant('finishes when it is disposed', 'disposal without finish gives up like abort', (sink) => ({
      [Symbol.asyncDispose]: () => sink.finish(calm),
    })),
  ],
});
