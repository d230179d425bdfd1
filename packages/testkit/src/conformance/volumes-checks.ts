import type { VolumeRef } from '@hypersdk/domain';
import type { StoragePools, VolumePiece, Volumes, VolumeWish } from '@hypersdk/ports';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm, expectCancelled, expectEqualBytes, expectRefusal } from './expectations.ts';
import type { ArrangeProvider } from './provider-contract.ts';

interface Stored {
  readonly pools: StoragePools;
  readonly volumes: Volumes;
  /** The one pool that is used; it is empty and runs. */
  readonly pool: string;
}

const MIB = 1024 ** 2;
const CALLS = ['get', 'start', 'stop', 'refresh'] as const;
const wishOf = (pool: string, rest: Partial<VolumeWish> = {}): VolumeWish => ({
  pool,
  name: 'checked & <co>.raw',
  format: 'raw',
  virtualSize: 2 * MIB,
  allocation: 'sparse',
  ...rest,
});

/** What every pair of `storagePools` and `volumes` facets promises. Each check takes away what it made, as the platform may be shared. */
export const volumesChecks = (arrange: ArrangeProvider): readonly Check[] => [
  ...poolChecks(arrange),
  ...courseChecks(arrange),
  ...refusalChecks(arrange),
];

function poolChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a pool is got as it was listed, with sizes that fit together',
      run: () =>
        withStorage(arrange, async ({ pools, pool }) => {
          const listed = await pools.list(calm);
          const got = await pools.get(pool, calm);
          expect(got.state).toBe('running');
          expect(got.available).toBeLessThanOrEqual(got.capacity ?? 0);
          expect(listed.filter(({ name }) => name === pool)).toHaveLength(1);
          await pools.refresh(pool, calm);
        }),
    },
    {
      name: 'a pool stops and starts, doing so again changes nothing, and one that does not run shows nothing',
      run: () =>
        withStorage(arrange, async ({ pools, volumes, pool }) => {
          for (let time = 0; time < 2; time += 1) await pools.stop(pool, calm);
          const stopped = await pools.get(pool, calm);
          expect(stopped.state).toBe('stopped');
          expect(stopped.capacity).toBeUndefined();
          await expectRefusal(pools.refresh(pool, calm), 'storage-pool/unfit');
          await expectRefusal(volumes.list(pool, calm), 'storage-pool/unfit');
          for (let time = 0; time < 2; time += 1) await pools.start(pool, calm);
          expect((await pools.get(pool, calm)).state).toBe('running');
        }),
    },
    {
      name: 'an unknown pool is told to be unknown by every call',
      run: () =>
        withStorage(arrange, async ({ pools, volumes }) => {
          for (const call of CALLS) await expectRefusal(pools[call]('no such', calm), 'storage-pool/not-found');
          await expectRefusal(volumes.list('no such', calm), 'storage-pool/not-found');
          await expectRefusal(volumes.create(wishOf('no such'), calm), 'storage-pool/not-found');
        }),
    },
  ];
}

function courseChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a volume is there as it was wished, and gone when it was deleted',
      run: () =>
        withStorage(arrange, async ({ volumes, pool }) => {
          const made = await volumes.create(wishOf(pool), calm);
          expect(made).toMatchObject({ pool, name: 'checked & <co>.raw', format: 'raw', virtualSize: 2 * MIB });
          expect(await volumes.get(made, calm)).toEqual(made);
          expect(await volumes.list(pool, calm)).toContainEqual(made);
          await volumes.delete(made, calm);
          await expectRefusal(volumes.get(made, calm), 'volume/not-found');
          await expectRefusal(volumes.delete(made, calm), 'volume/not-found');
          expect(await volumes.list(pool, calm)).toEqual([]);
        }),
    },
    {
      name: 'what was sent is what is read again',
      run: () =>
        withVolume(arrange, async ({ volumes }, ref) => {
          const [first, last] = [new Uint8Array(100_001).fill(1), new Uint8Array(512_000).fill(2)];
          const hole = 2 * MIB - first.length - last.length;
          await volumes.upload(ref, { ...calm, pieces: piecesOf([first, hole, last]) });
          const expected = new Uint8Array(2 * MIB);
          expected.set(first);
          expected.set(last, first.length + hole);
          expectEqualBytes(await readAll(volumes, ref), expected);
        }),
    },
    {
      name: 'a volume grows, and is not cut',
      run: () =>
        withVolume(arrange, async ({ volumes }, ref) => {
          expect(await volumes.resize(ref, { ...calm, virtualSize: 3 * MIB })).toMatchObject({ virtualSize: 3 * MIB });
          await expectRefusal(volumes.resize(ref, { ...calm, virtualSize: MIB }), 'usage/invalid');
          expect(await volumes.get(ref, calm)).toMatchObject({ virtualSize: 3 * MIB });
        }),
    },
  ];
}

function refusalChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'the name of a volume is taken once',
      run: () =>
        withVolume(arrange, async ({ volumes, pool }, ref) => {
          await expectRefusal(volumes.create(wishOf(pool, { virtualSize: MIB }), calm), 'volume/exists');
          expect(await volumes.get(ref, calm)).toMatchObject({ virtualSize: 2 * MIB });
        }),
    },
    {
      name: 'a volume that another lies on is not deleted',
      run: () =>
        withVolume(arrange, async ({ volumes, pool }, ref) => {
          const above = await volumes.create(wishOf(pool, { name: 'above.qcow2', format: 'qcow2', backing: ref }), calm);
          expect(above.backing?.path).toBe((await volumes.get(ref, calm)).path);
          await expectRefusal(volumes.delete(ref, calm), 'volume/in-use');
          await volumes.delete(above, calm);
        }),
    },
    {
      name: 'a volume that could not be is refused',
      run: () =>
        withStorage(arrange, async ({ volumes, pool }) => {
          for (const rest of [{ name: '../escaped' }, { name: '' }, { virtualSize: -1 }, { virtualSize: 0.5 }])
            await expectRefusal(volumes.create(wishOf(pool, rest), calm), 'usage/invalid');
          expect(await volumes.list(pool, calm)).toEqual([]);
        }),
    },
    {
      name: 'a cancelled call on volumes rejects with the reason and changes nothing',
      run: () =>
        withVolume(arrange, async ({ volumes, pools, pool }, ref) => {
          await expectCancelled((o) => volumes.create(wishOf(pool, { name: 'cancelled.raw' }), o));
          await expectCancelled((o) => volumes.resize(ref, { ...o, virtualSize: 4 * MIB }));
          await expectCancelled((o) => volumes.upload(ref, { ...o, pieces: piecesOf([new Uint8Array(9)]) }));
          await expectCancelled((o) => volumes.delete(ref, o));
          for (const call of CALLS) await expectCancelled((o) => pools[call](pool, o));
          expect((await volumes.list(pool, calm)).map(({ name, virtualSize }) => [name, virtualSize])).toEqual([[ref.name, 2 * MIB]]);
        }),
    },
  ];
}

async function* piecesOf(all: readonly (Uint8Array | number)[]): AsyncGenerator<VolumePiece> {
  for (const piece of all) yield typeof piece === 'number' ? { kind: 'hole', length: piece } : { kind: 'data', bytes: piece };
}

async function readAll(volumes: Volumes, ref: VolumeRef): Promise<Uint8Array> {
  const read: Uint8Array[] = [];
  for await (const piece of volumes.download(ref, calm)) read.push(piece.kind === 'data' ? piece.bytes : new Uint8Array(piece.length));
  return Buffer.concat(read);
}

async function withVolume(arrange: ArrangeProvider, check: (stored: Stored, ref: VolumeRef) => Promise<void>): Promise<void> {
  await withStorage(arrange, async (stored) => {
    const made = await stored.volumes.create(wishOf(stored.pool), calm);
    try {
      await check(stored, { pool: made.pool, name: made.name });
    } finally {
      await stored.volumes.delete(made, calm);
    }
  });
}

async function withStorage(arrange: ArrangeProvider, check: (stored: Stored) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  await using session = await subject.open();
  const { storagePools, volumes } = session.facets;
  if (!storagePools || !volumes || subject.pool === undefined)
    expect.fail('The session has no pools or no volumes, or the test no pool to try them in.');
  await check({ pools: storagePools, volumes, pool: subject.pool });
}
