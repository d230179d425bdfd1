import type { Extent } from '@hypersdk/domain';
import type { BlockSource } from '@hypersdk/ports';
import { MemorySource } from '../memory/memory-source.ts';
import { checksOfBlockSource } from './block-source-contract.ts';
import { mutate } from './mutate.ts';
import { type Mutant, proveChecks } from './prove-checks.ts';

const content = Uint8Array.from({ length: 5000 }, (_, at) => (at >= 1024 && at < 2048 ? 0 : (at * 7) % 251));
const extents: readonly Extent[] = [
  { offset: 0, length: 1024, kind: 'data' },
  { offset: 1024, length: 1024, kind: 'hole' },
  { offset: 2048, length: 2952, kind: 'data' },
];
const reference = (): MemorySource => new MemorySource(content, { extents });
const subject = (open: () => BlockSource) => ({ content, open: async () => open() });

function mutant(flaw: string, breaks: string, change: (source: BlockSource) => Partial<BlockSource>): Mutant<ReturnType<typeof subject>> {
  return {
    flaw,
    breaks,
    subject: subject(() => {
      const source = reference();
      return mutate<BlockSource>(source, change(source));
    }),
  };
}

const said = (wrong: readonly Extent[]): (() => Partial<BlockSource>) => {
  const source = new MemorySource(content, { extents: wrong });
  return () => ({ extents: (o) => source.extents(o) });
};

proveChecks({
  port: 'block source',
  checksOf: checksOfBlockSource,
  reference: subject(reference),
  mutants: [
    mutant('is larger than its content', 'it is as large as its content', () => ({ virtualSize: content.length + 512 })),
    mutant(
      'overlaps its extents',
      'extents tile the disk without gap or overlap',
      said([...extents.slice(0, 2), { offset: 2000, length: 3000, kind: 'data' }]),
    ),
    mutant(
      'leaves a gap between extents',
      'extents tile the disk without gap or overlap',
      said([{ offset: 0, length: 1000, kind: 'data' }, ...extents.slice(1)]),
    ),
    mutant('forgets its last extent', 'extents tile the disk without gap or overlap', said(extents.slice(0, 2))),
    mutant('ignores the range asked for', 'extents of a range are clipped to it', (source) => ({
      extents: ({ signal }) => source.extents({ signal }),
    })),
    mutant('calls data a hole', 'what is not data reads as zeros', said([{ offset: 0, length: 1024, kind: 'hole' }, ...extents.slice(1)])),
    mutant('can be walked once only', 'a walk over the extents can be left early and begun again', (source) => {
      let walked = false;
      return {
        async *extents(o) {
          if (walked) return;
          walked = true;
          yield* source.extents(o);
        },
      };
    }),
    mutant('walks on although it was cancelled', 'a cancelled walk over the extents rejects with the reason', (source) => ({
      extents: (o) => source.extents({ ...o, signal: new AbortController().signal }),
    })),
    mutant('answers short', 'reads are exact at every border', (source) => ({
      read: (offset, into, o) => source.read(offset, into.subarray(0, Math.max(1, into.length - 1)), o),
    })),
    mutant('reads stale bytes', 'the same read answers the same bytes again', (source) => {
      let last: Uint8Array | undefined;
      return {
        read: async (offset, into, o) => {
          await source.read(offset, into, o);
          if (last) into.set(last.subarray(0, into.length));
          last = into.slice();
        },
      };
    }),
    mutant('keeps one position for all readers', 'reads made at the same time do not mix', (source) => {
      let position = 0;
      return {
        read: async (offset, into, o) => {
          position = offset;
          await Promise.resolve();
          await source.read(Math.min(position, content.length - into.length), into, o);
        },
      };
    }),
    mutant('shortens a read past the end', 'a read past the end is refused, not shortened', (source) => ({
      read: (offset, into, o) => source.read(offset, into.subarray(0, Math.max(0, content.length - offset)), o),
    })),
    mutant('reads on although it was cancelled', 'a cancelled read rejects with the reason', (source) => ({
      read: (offset, into) => source.read(offset, into, { signal: new AbortController().signal }),
    })),
    mutant('hides the reason of a cancelled read', 'a cancelled read rejects with the reason', (source) => ({
      read: (offset, into, o) =>
        source.read(offset, into, o).catch(() => {
          throw new Error('read failed');
        }),
    })),
  ],
});
