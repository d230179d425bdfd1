import { createHash } from 'node:crypto';
import type { VMId } from '@hypersdk/domain';
import type { IsoImages, IsoUpload } from '@hypersdk/ports';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm, expectCancelled, expectRefusal } from './expectations.ts';
import type { ArrangeProvider } from './provider-contract.ts';

interface Discs {
  readonly images: IsoImages;
  readonly pool: string;
  /** Stopped; what it has of drives is its platform's matter. */
  readonly vm: VMId;
  readonly absent: VMId;
}

/** The least that a disc is: a system area, a primary descriptor and the end of the descriptors, and some bytes (ECMA-119 §8). */
function buildDisc(label: string): Buffer {
  const bytes = Buffer.alloc(60 * 2048, label);
  bytes.fill(0, 0, 18 * 2048);
  for (const [sector, type] of [
    [16, 1],
    [17, 255],
  ] as const) {
    bytes.writeUInt8(type, sector * 2048);
    bytes.write('CD001\u0001', sector * 2048 + 1, 'latin1');
  }
  bytes.write(label.padEnd(32), 16 * 2048 + 40, 'latin1');
  bytes.writeUInt32LE(60, 16 * 2048 + 80);
  bytes.writeUInt16LE(2048, 16 * 2048 + 128);
  return bytes;
}

function uploadOf(pool: string, bytes: Uint8Array, name = 'checked.iso'): IsoUpload {
  const content = (async function* () {
    for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
  })();
  return { pool, name, fileSize: bytes.length, digest: createHash('sha256').update(bytes).digest('hex'), content };
}

/** What every `isoImages` facet promises. Each check takes away what it made, as the platform may be shared. */
export const isoImagesChecks = (arrange: ArrangeProvider): readonly Check[] => [...imageChecks(arrange), ...driveChecks(arrange)];

function imageChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'an image that was uploaded is listed as it is, and gone when it was deleted',
      run: () =>
        withDiscs(arrange, async ({ images, pool }) => {
          const bytes = buildDisc('CHECKED');
          const image = await images.upload(uploadOf(pool, bytes), calm);
          expect(image).toMatchObject({ pool, name: 'checked.iso', fileSize: bytes.length, label: 'CHECKED', isBootable: false });
          expect(await images.list(calm)).toContainEqual(image);
          expect(await images.list({ ...calm, pool })).toEqual([image]);
          await expectRefusal(images.upload(uploadOf(pool, buildDisc('OTHER')), calm), 'volume/exists');
          await images.delete(image, calm);
          expect(await images.list({ ...calm, pool })).toEqual([]);
          await expectRefusal(images.delete(image, calm), 'volume/not-found');
        }),
    },
    {
      name: 'what is not what it was said to be is refused, and nothing is left of it',
      run: () =>
        withDiscs(arrange, async ({ images, pool }) => {
          const bytes = buildDisc('CHECKED');
          const right = (): IsoUpload => uploadOf(pool, bytes);
          await expectRefusal(images.upload({ ...right(), digest: 'a'.repeat(64) }, calm), 'verify/mismatch');
          await expectRefusal(images.upload({ ...right(), fileSize: bytes.length + 1 }, calm), 'verify/mismatch');
          await expectRefusal(images.upload(uploadOf(pool, new Uint8Array(100_000)), calm), 'image/malformed');
          await expectRefusal(images.upload(uploadOf(pool, bytes.subarray(0, 90_000)), calm), 'image/malformed');
          // The name is free: nothing is in its way.
          await images.delete(await images.upload(right(), calm), calm);
        }),
    },
    {
      name: 'a cancelled upload rejects with the reason and leaves nothing',
      run: () =>
        withDiscs(arrange, async ({ images, pool }) => {
          const bytes = buildDisc('CHECKED');
          await expectCancelled((o) => images.upload(uploadOf(pool, bytes), o));
          const stop = new AbortController();
          const onProgress = (): void => stop.abort(new Error('enough'));
          await expect(images.upload(uploadOf(pool, bytes), { signal: stop.signal, onProgress })).rejects.toThrow('enough');
          await images.delete(await images.upload(uploadOf(pool, bytes), calm), calm);
        }),
    },
  ];
}

function driveChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a disc that lies in a drive is told to, is not deleted, and can be taken out',
      run: () =>
        withDiscs(arrange, async ({ images, pool, vm }) => {
          const image = await images.upload(uploadOf(pool, buildDisc('CHECKED')), calm);
          const put = await images.attach(vm, image, calm);
          expect(put.location).toBe(image.path);
          expect(await images.attach(vm, image, calm)).toEqual(put);
          expect(await images.drives(vm, calm)).toContainEqual(put);
          await expectRefusal(images.delete(image, calm), 'volume/in-use');
          for (let time = 0; time < 2; time += 1) await images.detach(vm, { ...calm, drive: put.drive });
          expect(await images.drives(vm, calm)).toContainEqual({ drive: put.drive });
          await images.delete(image, calm);
        }),
    },
    {
      name: 'one disc gives way to the next in the drive that is named',
      run: () =>
        withDiscs(arrange, async ({ images, pool, vm }) => {
          const [first, second] = [
            await images.upload(uploadOf(pool, buildDisc('FIRST'), 'first.iso'), calm),
            await images.upload(uploadOf(pool, buildDisc('SECOND'), 'second.iso'), calm),
          ];
          const { drive } = await images.attach(vm, first, calm);
          expect(await images.attach(vm, second, { ...calm, drive })).toEqual({ drive, location: second.path });
          await images.delete(first, calm);
          await images.detach(vm, calm);
          expect((await images.drives(vm, calm)).filter(({ location }) => location !== undefined)).toEqual([]);
          await images.delete(second, calm);
        }),
    },
    {
      name: 'an unknown VM, image or drive is told to be unknown',
      run: () =>
        withDiscs(arrange, async ({ images, pool, vm, absent }) => {
          const image = await images.upload(uploadOf(pool, buildDisc('CHECKED')), calm);
          const { drive } = await images.attach(vm, image, calm);
          await expectRefusal(images.attach(absent, image, calm), 'vm/not-found');
          await expectRefusal(images.detach(absent, calm), 'vm/not-found');
          await expectRefusal(images.drives(absent, calm), 'vm/not-found');
          await expectRefusal(images.attach(vm, { pool, name: 'no-such.iso' }, calm), 'volume/not-found');
          await expectRefusal(images.attach(vm, image, { ...calm, drive: `${drive}x` }), 'vm/no-drive');
          await expectRefusal(images.detach(vm, { ...calm, drive: `${drive}x` }), 'vm/no-drive');
          await expectRefusal(images.list({ ...calm, pool: 'no such' }), 'storage-pool/not-found');
          await images.detach(vm, calm);
          await images.delete(image, calm);
        }),
    },
  ];
}

async function withDiscs(arrange: ArrangeProvider, check: (discs: Discs) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  await using session = await subject.open();
  const { isoImages } = session.facets;
  if (!isoImages || subject.pool === undefined || !subject.power) expect.fail('The session has no images of discs, or the test no pool or no VM.');
  await check({ images: isoImages, pool: subject.pool, vm: subject.power.deaf, absent: subject.absent });
}
