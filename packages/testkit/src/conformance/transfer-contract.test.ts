import { LEAF_SIZE } from '@hypersdk/domain';
import type { BlockLocator, Transfer } from '@hypersdk/ports';
import { MemoryFiles, pathOf } from '../memory/memory-files.ts';
import { MemoryTransfer } from '../memory/memory-transfer.ts';
import { calm } from './expectations.ts';
import { mutate } from './mutate.ts';
import { type Mutant, proveChecks } from './prove-checks.ts';
import { checksOfTransfer } from './transfer-contract.ts';
import { type ArrangeTransfer, flipByte, INTERRUPTIBLE_RATE, type TransferSubject } from './transfer-subject.ts';

/** A transfer over files in memory, and what a mutant may want of it. */
interface Bench {
  readonly transfer: Transfer;
  readonly files: MemoryFiles;
  readonly wrongFiles: MemoryFiles;
}

function arrange(change: (bench: Bench) => Partial<Transfer> = () => ({})): ArrangeTransfer {
  return async () => {
    const files = new MemoryFiles();
    const transfer = new MemoryTransfer(files);
    const tested = mutate<Transfer>(transfer, change({ transfer, files, wrongFiles: new MemoryFiles() }));
    return subjectOver(files, tested);
  };
}

function subjectOver(files: MemoryFiles, transfer: Transfer): TransferSubject {
  let made = 0;
  return {
    settings: { format: 'raw' },
    windowSize: 0,
    open: async () => transfer,
    makeSource: async (content) => {
      made += 1;
      files.write(`source-${made}`, content);
      return files.locate(`source-${made}`);
    },
    rewriteSource: async (source, content) => files.write(source.image.path, content),
    markOf: async (source) => `${source.image.path}@${files.open(source).version}`,
    absentSource: () => files.locate('absent'),
    freshPath: () => {
      made += 1;
      return `target-${made}`;
    },
    locate: (path) => files.locate(path),
    readTarget: async (path) => files.find(path)?.bytes,
    [Symbol.asyncDispose]: async () => {},
  };
}

const mutant = (flaw: string, breaks: string, change: (bench: Bench) => Partial<Transfer>): Mutant<ArrangeTransfer> => ({
  flaw,
  breaks,
  subject: arrange(change),
});

/** Opens the same source, but as it was when it was first seen. */
function frozen({ files, wrongFiles }: Bench, source: BlockLocator): BlockLocator {
  const path = pathOf(source);
  if (!wrongFiles.find(path)) wrongFiles.write(path, files.open(source).bytes);
  return source;
}

proveChecks<ArrangeTransfer>({
  port: 'transfer',
  checksOf: checksOfTransfer,
  reference: arrange(),
  mutants: [
    mutant('loses the short last leaf', 'a copy has the content of its source', ({ transfer, files }) => ({
      copy: async (request, o) => {
        const outcome = await transfer.copy(request, o);
        files.write(request.path, files.open(files.locate(request.path)).bytes.fill(0, Math.floor(outcome.virtualSize / LEAF_SIZE) * LEAF_SIZE));
        return outcome;
      },
    })),
    mutant('hashes leaves without domain separation', 'the digest of a copy is the tree over the source', ({ transfer }) => ({
      copy: async (request, o) => {
        const outcome = await transfer.copy(request, o);
        return outcome.content ? { ...outcome, content: { ...outcome.content, root: outcome.containerDigest ?? '' } } : outcome;
      },
    })),
    mutant('claims a proof that was not asked for', 'a plain conversion copies too, and claims no proof', ({ transfer }) => ({
      copy: (request, o) => transfer.copy({ ...request, digest: 'tree' }, o),
    })),
    mutant('copies the source it was asked for last', 'copies made at the same time do not mix', ({ transfer }) => {
      let last: BlockLocator | undefined;
      return {
        copy: async (request, o) => {
          last = request.source;
          await Promise.resolve();
          return transfer.copy({ ...request, source: last }, o);
        },
      };
    }),
    mutant('writes over an existing target', 'a target that exists is refused and stays as it is', ({ transfer }) => ({
      copy: (request, o) => transfer.copy({ ...request, overwrite: true }, o),
    })),
    mutant(
      'makes a copy again that is there',
      'the same copy once more is refused, or known to be done without being made again',
      ({ transfer }) => ({
        copy: (request, o) => transfer.copy({ ...request, overwrite: true }, o),
      }),
    ),
    mutant('never replaces a target', 'a target that exists is replaced when that is wanted', ({ transfer }) => ({
      copy: (request, o) => transfer.copy({ ...request, overwrite: false }, o),
    })),
    mutant('makes an empty target for an absent source', 'an absent source is said to be absent, and leaves no target', ({ transfer, files }) => ({
      copy: async (request, o) => {
        if (!files.find(pathOf(request.source))) files.write(request.path, new Uint8Array(0));
        return transfer.copy(request, o);
      },
    })),
    mutant('ignores a setting it does not know', 'a setting that the format does not know is refused', ({ transfer }) => ({
      copy: (request, o) => transfer.copy({ ...request, settings: { format: 'raw' } }, o),
    })),
    mutant(
      'does not look whether the source was written',
      'a source that is written while it is read is noticed, and nothing is published',
      (bench) => {
        const blind = new MemoryTransfer(bench.wrongFiles);
        return {
          copy: async (request, o) => {
            const outcome = await blind.copy({ ...request, source: frozen(bench, request.source) }, o);
            bench.files.write(request.path, bench.wrongFiles.open(bench.wrongFiles.locate(request.path)).bytes);
            return outcome;
          },
        };
      },
    ),
    mutant(
      'publishes a source that was written',
      'a source that is written while it is read is noticed, and nothing is published',
      ({ transfer, files }) => ({
        copy: (request, o) =>
          transfer.copy(request, o).catch((reason: unknown) => {
            files.write(request.path, files.open(request.source).bytes);
            throw reason;
          }),
      }),
    ),
    mutant('takes progress back', 'progress never goes back and ends at the size of the disk', ({ transfer }) => ({
      copy: (request, { signal, onProgress }) =>
        transfer.copy(request, {
          signal,
          onProgress: (p) => onProgress?.({ ...p, settled: p.stage === 'copying' ? p.virtualSize - p.settled : p.settled }),
        }),
    })),
    mutant('ends its progress early', 'progress never goes back and ends at the size of the disk', ({ transfer }) => ({
      copy: (request, { signal, onProgress }) =>
        transfer.copy(request, { signal, onProgress: (p) => (p.settled < p.virtualSize ? onProgress?.(p) : undefined) }),
    })),
    mutant('runs at full speed', 'a limited rate is kept', ({ transfer }) => ({
      copy: ({ rateLimit: _, ...request }, o) => transfer.copy(request, o),
    })),
    mutant('gives each copy a budget of its own', 'copies that share a budget keep its rate together', ({ transfer }) => ({
      copy: ({ rateLimit: _, ...request }, o) => transfer.copy({ ...request, rateLimit: 4 * INTERRUPTIBLE_RATE }, o),
    })),
    mutant('never changes a rate', 'a changed rate holds from then on', () => ({ setRate: () => undefined })),
    mutant('publishes what it has when it is cancelled', 'a cancelled copy rejects with the reason and has no target', ({ transfer, files }) => ({
      copy: (request, o) =>
        transfer.copy(request, o).catch((reason: unknown) => {
          files.write(request.path, files.open(request.source).bytes);
          throw reason;
        }),
    })),
    mutant('forgets the cancelled copy', 'the same request goes on where the cancelled copy stopped', ({ transfer }) => ({
      copy: (request, o) => transfer.copy({ ...request, restart: true }, o),
    })),
    mutant('closes as if nothing ran', 'closing calls a running copy off with a word, and no target is made', () => ({
      [Symbol.asyncDispose]: async () => {},
    })),
    mutant(
      'removes the old target before it copies',
      'a cancelled copy over an existing target leaves the old one as it was',
      ({ transfer, files }) => ({
        copy: async (request, o) => {
          if (request.overwrite) files.write(request.path, new Uint8Array(0));
          return transfer.copy(request, o);
        },
      }),
    ),
    mutant('splices two points in time', 'another mark starts over, says why, and never splices two points in time', ({ transfer }) => ({
      copy: (request, o) => transfer.copy({ ...request, sourceMark: 'any' }, o),
    })),
    mutant('starts over without a word', 'another mark starts over, says why, and never splices two points in time', ({ transfer }) => ({
      copy: async (request, o) => {
        const { restartReason: _, ...outcome } = await transfer.copy(request, o);
        return outcome;
      },
    })),
    mutant('goes on although a restart is wanted', 'a restart throws the kept work away', ({ transfer }) => ({
      copy: (request, o) => transfer.copy({ ...request, restart: false }, o),
    })),
    mutant('finds every disk different', 'verify finds a true copy equal', () => ({
      verify: async () => ({ result: 'different', leavesChecked: 0, what: 'everything' }),
    })),
    mutant('names the leaf after the wrong one', 'verify names the leaf with the wrong byte', ({ transfer }) => ({
      verify: async (request, o) => {
        const outcome = await transfer.verify(request, o);
        return outcome.result === 'different' && outcome.leaf !== undefined ? { ...outcome, leaf: outcome.leaf + 1 } : outcome;
      },
    })),
    mutant('says nothing of digests that are gone', 'verify says that the leaf digests are not there, and compares the root', ({ transfer }) => ({
      verify: async (request, o) => {
        const { leavesMissing: _, ...outcome } = await transfer.verify(request, o);
        return outcome;
      },
    })),
    mutant('trusts a disk without its leaves', 'verify notices a wrong byte without the leaves too', ({ transfer }) => ({
      verify: async (request, o) => (request.leavesPath === undefined ? { result: 'equal', leavesChecked: 6 } : transfer.verify(request, o)),
    })),
    mutant('does not look at the file', 'verify notices a file that is not the one that was written', ({ transfer }) => ({
      verify: ({ container: _, ...request }, o) => transfer.verify(request, o),
    })),
    mutant('answers the digest of another disk', 'digest answers the tree over the source', ({ transfer, files }) => ({
      digest: async (source, o) => {
        files.write('other', flipByte(files.open(source).bytes, 100));
        return transfer.digest(files.locate('other'), o);
      },
    })),
    mutant('finds equal disks different', 'compare finds equal disks equal', () => ({
      compare: async () => ({ result: 'different', offset: 0, what: 'everything' }),
    })),
    mutant('names the start of the sector that differs', 'compare names the first byte that differs', ({ transfer }) => ({
      compare: async (a, b, o) => {
        const outcome = await transfer.compare(a, b, o);
        return outcome.result === 'different' ? { ...outcome, offset: outcome.offset - (outcome.offset % 512) } : outcome;
      },
    })),
    mutant('compares as far as the shorter disk goes', 'compare notices that one disk is longer', ({ transfer, files }) => ({
      compare: async (a, b, o) => {
        const length = Math.min(files.open(a).bytes.length, files.open(b).bytes.length);
        files.write('left', files.open(a).bytes.subarray(0, length));
        files.write('right', files.open(b).bytes.subarray(0, length));
        return transfer.compare(files.locate('left'), files.locate('right'), o);
      },
    })),
    mutant('compares although it was cancelled', 'cancelled verify, compare and digest reject with the reason', ({ transfer }) => ({
      compare: (a, b) => transfer.compare(a, b, calm),
    })),
  ],
});
