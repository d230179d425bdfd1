import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTransfer } from '@hypersdk/disk';
import { endOf, HyperError, LEAF_SIZE, MIB, type ImageRef } from '@hypersdk/domain';
import type { CopyOutcome, CopyRequest } from '@hypersdk/ports';
import { calm, imageSettings, materialise, sparseDisk } from '@hypersdk/testkit';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { openImage } from '../../packages/disk/src/format/open-image.ts';
import { digestOf, flipByte, requestFor, writeDisk } from './sparse-files.ts';

/** Each run copies whole disks and waits for the medium: few runs here, other ones each time; the seed is printed with a failure. */
const RUNS = { numRuns: 12 } as const;
const TIMEOUT_MS = 180_000;
/** Slow enough that some of the ten reports a second come while data is moved. */
const SLOW = 4 * MIB;

const engine = openTransfer({ workers: 2 });
const root = await mkdtemp(join(tmpdir(), 'properties-'));
afterAll(async () => {
  await engine[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

const disks = sparseDisk({ sizeMax: 5 * LEAF_SIZE, pieceMax: MIB / 2 });
/** Disks with something on them. */
const writtenDisks = disks.filter((disk) => materialise(disk).some((byte) => byte !== 0));

/** Runs `check` with a folder of its own. */
async function inFolder(check: (at: (name: string) => string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(root, 'run-'));
  await check((name) => join(folder, name));
  await rm(folder, { recursive: true });
}

/** Copies, but cancels at the `k`th report of progress; undefined when that came true. */
async function copyUntil(request: CopyRequest, k: number): Promise<CopyOutcome | undefined> {
  const cancel = new AbortController();
  let reports = 0;
  const onProgress = (): void => {
    reports += 1;
    if (reports === k) cancel.abort();
  };
  try {
    return await engine.copy(request, { signal: cancel.signal, onProgress });
  } catch (error) {
    if (cancel.signal.aborted) return undefined;
    throw error;
  }
}

test('a copy that was cancelled anywhere, any number of times, ends as the same file as one that was not', { timeout: TIMEOUT_MS }, async () => {
  const cancels = fc.array(fc.record({ k: fc.integer({ min: 1, max: 8 }), isSlow: fc.boolean() }), { minLength: 1, maxLength: 3 });
  let cancelled = 0;
  const property = fc.asyncProperty(disks, imageSettings(), cancels, (disk, settings, points) =>
    inFolder(async (at) => {
      const source = await writeDisk(at('disk.raw'), disk);
      const whole = await engine.copy(await requestFor(source, at('whole'), { settings }), calm);
      const request = await requestFor(source, at('parts'), { settings });
      let outcome: CopyOutcome | undefined;
      for (const { k, isSlow } of points) {
        outcome ??= await copyUntil(isSlow ? { ...request, rateLimit: SLOW } : request, k);
        cancelled += outcome ? 0 : 1;
      }
      outcome ??= await engine.copy(request, calm);
      expect(outcome.content).toEqual(whole.content);
      expect(outcome.containerDigest).toBe(whole.containerDigest);
      expect(outcome.restartReason).toBeUndefined();
      expect(await digestOf(at('parts'))).toBe(await digestOf(at('whole')));
    }),
  );
  await fc.assert(property, RUNS);
  expect(cancelled).toBeGreaterThan(0);
});

test('the extents of what was written tile the disk, read as the source, and are holes where it is all zeros', { timeout: TIMEOUT_MS }, async () => {
  const property = fc.asyncProperty(disks, imageSettings(), fc.double({ min: 0, max: 1, noNaN: true }), (disk, settings, cut) =>
    inFolder(async (at) => {
      const source = await writeDisk(at('disk.raw'), disk);
      await engine.copy(await requestFor(source, at('copy'), { settings, durability: 'none' }), calm);
      const content = materialise(disk);
      using image = openImage({ path: at('copy'), format: settings.format, references: 'refuse' });
      const from = Math.floor(cut * image.virtualSize);
      for (const range of [
        { offset: 0, length: image.virtualSize },
        { offset: from, length: image.virtualSize - from },
        { offset: Math.floor(from / 2), length: from - Math.floor(from / 2) },
      ]) {
        let position = range.offset;
        for (const extent of image.extents(range)) {
          expect(extent.offset).toBe(position);
          expect(extent.length).toBeGreaterThan(0);
          position = endOf(extent);
          const expected = Buffer.alloc(extent.length);
          expected.set(content.subarray(extent.offset, position));
          if (extent.kind === 'data') image.read(extent.offset, expected.fill(0xee));
          expect(Buffer.compare(expected.subarray(0, content.length - extent.offset), content.subarray(extent.offset, position))).toBe(0);
          if (extent.kind !== 'data') expect(expected.every((byte) => byte === 0)).toBe(true);
        }
        expect(position).toBe(endOf(range));
      }
    }),
  );
  await fc.assert(property, RUNS);
});

test('equal input gives equal files with 1, 2 and 4 workers', { timeout: TIMEOUT_MS }, async () => {
  await using one = openTransfer({ workers: 1 });
  await using four = openTransfer({ workers: 4 });
  const property = fc.asyncProperty(disks, imageSettings(), (disk, settings) =>
    inFolder(async (at) => {
      const source = await writeDisk(at('disk.raw'), disk);
      const digests = new Set<string>();
      for (const [index, transfer] of [one, engine, four].entries()) {
        await transfer.copy(await requestFor(source, at(`copy-${index}`), { settings, durability: 'none' }), calm);
        digests.add(await digestOf(at(`copy-${index}`)));
      }
      expect(digests.size).toBe(1);
    }),
  );
  await fc.assert(property, RUNS);
});

test('a comparison finds a planted difference exactly, in data and in holes', { timeout: TIMEOUT_MS }, async () => {
  const property = fc.asyncProperty(disks, imageSettings(), fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (disk, settings, place) =>
    inFolder(async (at) => {
      const source = await writeDisk(at('disk.raw'), disk);
      const changed = await writeDisk(at('changed.raw'), disk);
      const offset = Math.floor(place * disk.virtualSize);
      await engine.copy(await requestFor(source, at('copy'), { settings, durability: 'none', digest: 'none' }), calm);
      await flipByte(changed.path, offset);
      const copy: ImageRef = { path: at('copy'), format: settings.format, references: 'refuse' };
      expect(await engine.compare({ kind: 'image', image: source }, { kind: 'image', image: copy }, calm)).toMatchObject({ result: 'equal' });
      expect(await engine.compare({ kind: 'image', image: copy }, { kind: 'image', image: changed }, calm)).toMatchObject({
        result: 'different',
        offset,
      });
      expect(await engine.compare({ kind: 'image', image: changed }, { kind: 'image', image: copy }, calm)).toMatchObject({
        result: 'different',
        offset,
      });
    }),
  );
  await fc.assert(property, RUNS);
});

test('a verification names the leaf of a byte that was changed in the file', { timeout: TIMEOUT_MS }, async () => {
  const places = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  let located = 0;
  const property = fc.asyncProperty(writtenDisks, imageSettings(), places, (disk, settings, place) =>
    inFolder(async (at) => {
      const source = await writeDisk(at('disk.raw'), disk);
      const { content, leavesPath } = await engine.copy(await requestFor(source, at('copy'), { settings }), calm);
      const copy: ImageRef = { path: at('copy'), format: settings.format, references: 'refuse' };
      if (!content || leavesPath === undefined) throw new Error('The copy was not proven.');
      const verify = () => engine.verify({ source: { kind: 'image', image: copy }, expected: content, leavesPath, percent: 100 }, calm);
      expect(await verify()).toMatchObject({ result: 'equal' });
      const stored = placeOfByte(copy, Math.floor(place * disk.virtualSize), disk.virtualSize);
      if (!stored) return;
      located += 1;
      await flipByte(copy.path, stored.fileOffset);
      const leaf = Math.floor(stored.offset / LEAF_SIZE);
      expect(await verify()).toMatchObject({ result: 'different', leaf, offset: leaf * LEAF_SIZE });
    }),
  );
  await fc.assert(property, RUNS);
  expect(located).toBeGreaterThan(0);
});

test('a byte changed anywhere in a file is noticed by a verification that knows the digest of the file', { timeout: TIMEOUT_MS }, async () => {
  const places = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const property = fc.asyncProperty(writtenDisks, imageSettings(), places, (disk, settings, place) =>
    inFolder(async (at) => {
      const source = await writeDisk(at('disk.raw'), disk);
      const { content, containerDigest } = await engine.copy(await requestFor(source, at('copy'), { settings }), calm);
      if (!content || containerDigest === undefined) throw new Error('The copy was not proven.');
      await flipByte(at('copy'), Math.floor(place * (await stat(at('copy'))).size));
      const image: ImageRef = { path: at('copy'), format: settings.format, references: 'refuse' };
      const container = { path: at('copy'), digest: containerDigest };
      const answer = await engine
        .verify({ source: { kind: 'image', image }, expected: content, container, percent: 100 }, calm)
        .catch((error: unknown) => error);
      if (answer instanceof HyperError) expect(answer.code).toMatch(/^image\//);
      else expect(answer).toMatchObject({ result: 'different' });
    }),
  );
  await fc.assert(property, RUNS);
});

/** Where the first byte of stored data at or behind `offset` lies in the file of the image; undefined when nothing lies there as it is. */
function placeOfByte(ref: ImageRef, offset: number, virtualSize: number): { readonly offset: number; readonly fileOffset: number } | undefined {
  using image = openImage(ref);
  for (const extent of image.extents({ offset, length: virtualSize - offset })) {
    const run = extent.kind === 'data' ? image.locate?.(extent) : undefined;
    if (run) return { offset: extent.offset, fileOffset: run.fileOffset };
  }
  return undefined;
}
