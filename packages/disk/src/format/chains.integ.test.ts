import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { KIB, MIB, type ImageFormat, type ReferencePolicy } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ReadableDiskFile } from '../file/disk-file.ts';
import { imageInspector } from '../inspect/image-inspector.ts';
import type { DiskImage } from './disk-image.ts';
import { openImage } from './open-image.ts';
import { buildChain, deltaKinds, type Cell, type Layer } from './vmdk/build-chain.ts';

/** Machines that run much else at once. */
const TIMEOUT_MS = 120_000;
const { signal } = new AbortController();
const SIZE = 70 * MIB + 7 * 512;

describe.skipIf(missing('qemu-img', 'qemu-io'))('chains of images beside qemu-img', { timeout: TIMEOUT_MS }, () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'chains-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const path = (name: string): string => join(folder, name);
  const qemu = (program: string, ...args: readonly string[]): string =>
    execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe', cwd: folder, timeout: TIMEOUT_MS });
  const edit = (name: string, format: string, writes: readonly (readonly [kind: string, at: number, length: number])[]): string =>
    qemu('qemu-io', '-t', 'unsafe', '-f', format, ...writes.flatMap(([kind, at, length]) => ['-c', `write ${kind} ${at} ${length}`]), path(name));
  const asRaw = (name: string, format: string): ReadableDiskFile => {
    qemu('qemu-img', 'convert', '-f', format, '-O', 'raw', path(name), path(`${name}.raw`));
    return ReadableDiskFile.open(path(`${name}.raw`));
  };

  /** A base and three overlays, each written over the last. Answers all names, the uppermost last. */
  function makeChain(stem: string, base: string, over: 'qcow2' | 'vmdk'): readonly string[] {
    const names = [`${stem}-0.${base}`, ...[1, 2, 3].map((layer) => `${stem}-${layer}.${over}`)];
    qemu('qemu-img', 'create', '-f', base, path(names[0] ?? ''), `${SIZE}`);
    names.forEach((name, layer) => {
      const below = names[layer - 1];
      if (below !== undefined)
        qemu(
          'qemu-img',
          'create',
          '-f',
          over,
          '-o',
          over === 'vmdk' ? 'zeroed_grain=on' : 'cluster_size=4k',
          '-b',
          below,
          '-F',
          layer === 1 ? base : over,
          name,
        );
      edit(name, layer === 0 ? base : over, [
        [`-P ${layer + 1}`, layer * 3 * MIB, 5 * MIB],
        [`-P ${layer + 17}`, 33 * MIB - 512 * layer, 300 * KIB],
        ...(layer > 1 ? ([['-z', layer * 4 * MIB, MIB]] as const) : []),
        [`-P ${layer + 33}`, SIZE - 512 * (layer + 1), 512],
      ]);
    });
    return names;
  }

  const cases = [
    ['raw', 'qcow2'],
    ['qcow2', 'qcow2'],
    ['vmdk', 'qcow2'],
    ['vmdk', 'vmdk'],
  ] as const;

  test.each(cases)('three overlays over %s, in %s: the same bytes, and every extent true', (base, over) => {
    const names = makeChain(`deep-${base}-${over}`, base, over);
    const top = names.at(-1) ?? '';
    using image = openImage({ path: path(top), format: over, references: 'beside' });
    expect(image.files.map((file) => basename(file.path))).toEqual(names.toReversed());
    using raw = asRaw(top, over);
    expectSame(image, raw);
  });

  test.each(cases)('overlays over %s, in %s, each in a folder of its own, are read from a list', async (base, over) => {
    const names = makeChain(`list-${base}-${over}`, base, over);
    const top = names.at(-1) ?? '';
    using raw = asRaw(top, over);
    const listed = names.slice(0, -1).map((name, at) => {
      mkdirSync(path(`${over}-${base}-${at}`), { recursive: true });
      const moved = join(path(`${over}-${base}-${at}`), name);
      renameSync(path(name), moved);
      return moved;
    });
    expect(() => openImage({ path: path(top), format: over, references: 'beside' })).toThrow(expect.objectContaining({ code: 'source/not-found' }));
    using image = openImage({ path: path(top), format: over, references: { listed } });
    expectSame(image, raw);
    await expectMarked(path(top), over, { listed });
  });

  test('a parent that was written to since is not taken for the one that was', () => {
    const names = makeChain('stale', 'vmdk', 'vmdk');
    edit(names[1] ?? '', 'vmdk', [['-P 99', 0, 64 * KIB]]);
    expect(() => openImage({ path: path(names.at(-1) ?? ''), format: 'vmdk', references: 'beside' })).toThrow(
      expect.objectContaining({ code: 'image/unsupported', message: expect.stringContaining('was changed since') }),
    );
  });

  describe('VMDK deltas as vSphere lays them out', () => {
    // Wide enough for several tables of every kind.
    const count = 600;
    const cellsOf = (seed: number): readonly Cell[] =>
      Array.from({ length: count }, (_, at): Cell => {
        const value = (Math.imul(at + 1, 2654435761 + seed * 40503) >>> 8) % 97;
        if (value < 60) return 'hole';
        return value < 70 ? 'zero' : value + seed;
      });
    // QEMU knows no custom disks.
    const known = deltaKinds.filter((kind) => kind !== 'custom');
    const stacks: readonly (readonly [string, readonly Layer['kind'][]])[] = [
      ...known.map((kind) => [`three of ${kind}`, [kind, kind, kind]] as const),
      ['one of each', known],
    ];

    test.each(stacks)('%s: the same bytes as QEMU reads', (name, kinds) => {
      const layers = kinds.map((kind, at) => ({ kind, cells: cellsOf(at + 1) }));
      const { files, top, content } = buildChain(cellsOf(0), layers);
      const own = path(name.replaceAll(' ', '-'));
      mkdirSync(own);
      for (const [file, bytes] of Object.entries(files)) writeFileSync(join(own, file), bytes);
      execFileSync('qemu-img', ['convert', '-f', 'vmdk', '-O', 'raw', top, 'read.raw'], { cwd: own, stdio: 'pipe', timeout: TIMEOUT_MS });
      // QEMU rounds space-efficient disks up to whole grains.
      expect(Buffer.compare(readFileSync(join(own, 'read.raw')).subarray(0, content.length), content)).toBe(0);
      using image = openImage({ path: join(own, top), format: 'vmdk', references: 'beside' });
      const ours = new Uint8Array(image.virtualSize);
      image.read(0, ours);
      expect(Buffer.compare(ours, content)).toBe(0);
    });
  });
});

async function expectMarked(path: string, format: ImageFormat, references: ReferencePolicy & object): Promise<void> {
  const mark = (): Promise<string> => imageInspector.mark({ path, format, references }, { signal });
  const marks = new Set([await mark()]);
  for (const file of references.listed) {
    utimesSync(file, 1_000_000, 1_000_000);
    marks.add(await mark());
  }
  expect(marks.size).toBe(references.listed.length + 1);
}

function expectSame(image: DiskImage, raw: ReadableDiskFile): void {
  expect(image.virtualSize).toBe(raw.size);
  const [ours, theirs] = [new Uint8Array(image.virtualSize), new Uint8Array(raw.size)];
  // An odd step, so that reads begin and end inside grains.
  for (let at = 0; at < ours.length; at += 1_111_111) image.read(at, ours.subarray(at, at + 1_111_111));
  raw.read(0, theirs);
  expect(Buffer.compare(ours, theirs)).toBe(0);
  let end = 0;
  for (const { offset, length, kind } of image.extents({ offset: 0, length: image.virtualSize })) {
    expect(offset).toBe(end);
    end += length;
    if (kind !== 'data') expect(theirs.subarray(offset, end).every((byte) => byte === 0)).toBe(true);
  }
  expect(end).toBe(image.virtualSize);
}
