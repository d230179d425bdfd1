import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openTransfer } from '@hypersdk/disk';
import { missing } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { allImages } from './images/all-images.ts';
import type { SourceImage } from './images/source-image.ts';
import { findFaults } from './round-trip.ts';
import { largeTargets, plainTargets, variantTargets, type TargetSettings } from './target-settings.ts';

const IMAGES_LEAST = 200;
/** Images made and copied at once: programs and engine take turns at the processors. */
const LANES = 3;
/** One copy in this many is made durable and proven: syncing takes the medium's time, and proves nothing more about content. */
const DURABLE_EACH = 9;
const COMMON_KINDS = new Set(['raw', 'qcow2', 'vmdk monolithicSparse', 'vmdk streamOptimized']);
const TIMEOUT_MS = 600_000;

describe.skipIf(missing('qemu-img', 'qemu-io'))('an image copied to another format and back', () => {
  const images = allImages();
  const engine = openTransfer({ workers: 2 });
  const trips = images.map((image, at) => ({ image, at, targets: targetsFor(image, at) }));
  const tried = new Map<string, readonly TargetSettings[]>();
  const folder = mkdtemp(join(tmpdir(), 'round-trips-'));
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    await rm(await folder, { recursive: true, force: true });
  });

  const kinds = [...new Set(images.map(({ kind }) => kind))];
  test.each(kinds)('keeps its content, and QEMU finds nothing wrong: from %s', { timeout: TIMEOUT_MS }, async (kind) => {
    const faults: string[] = [];
    const waiting = trips.filter(({ image }) => image.kind === kind);
    const lane = async (): Promise<void> => {
      for (let trip = waiting.shift(); trip; trip = waiting.shift()) {
        const { image, at, targets } = trip;
        const place = join(await folder, `${at}`);
        const durability = at % DURABLE_EACH === 0 ? 'sync' : 'none';
        faults.push(...(await findFaults({ image, targets, durability, folder: place, engine })).map((fault) => `${image.name}, ${fault}`));
        tried.set(image.name, targets);
        await rm(place, { recursive: true });
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    expect(faults).toEqual([]);
  });

  test('was tried with 200 images, every pair of formats and every choice of a target', () => {
    expect(tried.size).toBeGreaterThanOrEqual(IMAGES_LEAST);
    const pairs = new Set(trips.flatMap(({ image, targets }) => targets.map((target) => `${image.kind} to ${target.name}`)));
    for (const kind of kinds) for (const { name } of plainTargets) expect(pairs).toContain(`${kind} to ${name}`);
    const names = new Set([...tried.values()].flat().map(({ name }) => name));
    for (const { name } of [...variantTargets, ...largeTargets]) expect(names).toContain(name);
  });
});

/** Kinds with many images take turns at plain targets and variants; rare kinds are copied to every plain target. */
function targetsFor(image: SourceImage, at: number): readonly TargetSettings[] {
  // A split disk has at most 1.5 TiB.
  // No common file system holds a raw file of 16 TiB.
  // A VHD has at most 2040 GiB, and QEMU compares a VDI of that size block by block.
  if (image.scale === 'giant')
    return largeTargets.filter(
      ({ settings: { format, subformat } }) =>
        !['vhd', 'vdi'].includes(format) && (format !== 'raw' || !image.name.includes('16 TiB')) && !subformat?.startsWith('twoGb'),
    );
  if (image.scale === 'large') return [1, 2, 3].flatMap((step) => largeTargets[(at + step) % largeTargets.length] ?? []);
  if (!COMMON_KINDS.has(image.kind)) return plainTargets;
  const turns = [plainTargets[at % plainTargets.length], ...[0, 17].map((step) => variantTargets[(at + step) % variantTargets.length])];
  const isEmpty = image.name.includes('no bytes') || image.name.includes('no size');
  return turns.filter((target) => target !== undefined).filter(({ settings }) => !isEmpty || ['raw', 'qcow2'].includes(settings.format));
}
