import { HyperError } from '@hypersdk/domain';
import type { VolumePiece } from '@hypersdk/ports';
import { type ArrangeProvider, calm, type Mutant } from '@hypersdk/testkit';
import { facetMutant } from './build-memory-platform.ts';

const poolsMutant = facetMutant('storagePools');
const volumesMutant = facetMutant('volumes');
const CANCELLED = 'a cancelled call on volumes rejects with the reason and changes nothing';

/** Wrong ways to keep volumes, each with the check that has to find it. */
export const volumesMutants: readonly Mutant<ArrangeProvider>[] = [
  poolsMutant('lists nothing', 'a pool is got as it was listed, with sizes that fit together', () => ({ list: async () => [] })),
  poolsMutant('has more room than there is', 'a pool is got as it was listed, with sizes that fit together', (pools) => ({
    get: async (name, o) => ({ ...(await pools.get(name, o)), available: Number.MAX_SAFE_INTEGER }),
  })),
  poolsMutant('does not stop', 'a pool stops and starts, doing so again changes nothing, and one that does not run shows nothing', () => ({
    stop: async () => {},
  })),
  poolsMutant('does not mind which pool is refreshed', 'an unknown pool is told to be unknown by every call', () => ({ refresh: async () => {} })),
  volumesMutant('deletes nothing', 'a volume is there as it was wished, and gone when it was deleted', () => ({ delete: async () => {} })),
  volumesMutant('forgets holes', 'what was sent is what is read again', (volumes) => ({
    upload: (ref, { pieces, ...o }) => volumes.upload(ref, { ...o, pieces: withoutHoles(pieces) }),
  })),
  volumesMutant('does not grow', 'a volume grows, and is not cut', (volumes) => ({ resize: (ref, o) => volumes.get(ref, o) })),
  volumesMutant('makes a volume anew', 'the name of a volume is taken once', (volumes) => ({
    create: async (wish, o) => {
      await volumes.delete(wish, o).catch(() => {});
      return volumes.create(wish, o);
    },
  })),
  volumesMutant('lets nothing lie on another', 'a volume that another lies on is not deleted', (volumes) => ({
    create: ({ backing: _, ...wish }, o) => volumes.create(wish, o),
  })),
  volumesMutant('takes any name', 'a volume that could not be is refused', (volumes) => ({
    create: (wish, o) => volumes.create({ ...wish, name: wish.name.replaceAll(/[./]/g, '_') }, o),
  })),
  volumesMutant('makes volumes although it was cancelled', CANCELLED, (volumes) => ({
    create: async (wish, { signal }) => {
      await volumes.create(wish, calm);
      signal.throwIfAborted();
      return volumes.get(wish, calm);
    },
  })),
  poolsMutant('gets pools although it was cancelled', CANCELLED, (pools) => ({
    get: (name) =>
      pools.get(name, calm).catch(() => {
        throw new HyperError('storage-pool/not-found', 'There is no such pool.');
      }),
  })),
];

async function* withoutHoles(pieces: AsyncIterable<VolumePiece>): AsyncGenerator<VolumePiece> {
  for await (const piece of pieces) if (piece.kind === 'data') yield piece;
}
