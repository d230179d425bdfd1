import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KIB, LEAF_SIZE, MIB, type ImageFormat, type ImageRef } from '@hypersdk/domain';
import type { CopyOutcome, CopyProgress, CopyRequest, ParentImage, Transfer } from '@hypersdk/ports';
import { calm, materialise, missing, sparseDisk, type DiskPiece } from '@hypersdk/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTransfer } from '../copy/transfer.ts';
import { imageInspector } from '../inspect/image-inspector.ts';

const TIMEOUT_MS = 120_000;
const SIZE = 5 * LEAF_SIZE + 7 * 512;
const CLUSTER = 64 * KIB;

describe.skipIf(missing('qemu-img', 'qemu-io'))('an overlay beside QEMU', { timeout: TIMEOUT_MS }, () => {
  let folder = '';
  let transfer: Transfer;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'overlay-'));
    transfer = openTransfer({ workers: 2 });
  });
  afterAll(async () => {
    await transfer[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const qemu = (program: string, ...args: readonly string[]): string => execFileSync(program, args, { encoding: 'utf8', timeout: TIMEOUT_MS });
  const raw = (path: string): ImageRef => ({ path, format: 'raw', references: 'refuse' });

  async function copy(
    source: ImageRef,
    to: string,
    { onProgress, ...more }: Partial<CopyRequest> & { readonly onProgress?: (progress: CopyProgress) => void } = {},
  ): Promise<CopyOutcome> {
    mkdirSync(join(folder, to), { recursive: true });
    const request: CopyRequest = {
      source: { kind: 'image', image: source },
      sourceMark: await imageInspector.mark(source, calm),
      path: join(folder, to, 'disk.qcow2'),
      settings: { format: 'qcow2' },
      digest: 'tree',
      durability: 'sync',
      verifyPercent: 100,
      overwrite: false,
      restart: false,
      ...more,
    };
    return await transfer.copy(request, { ...calm, ...(onProgress ? { onProgress } : {}) });
  }

  /** A copy as the parent of another one, with the paths of all that it lies on. */
  async function asParent(
    { path, content, leavesPath }: CopyOutcome,
    below: readonly string[],
    { differs, format = 'qcow2' }: { readonly differs: ParentImage['differs']; readonly format?: ImageFormat },
  ): Promise<ParentImage> {
    if (!content || leavesPath === undefined) throw new Error('the copy has no proof');
    const image: ImageRef = { path, format, references: below.length === 0 ? 'refuse' : { listed: below } };
    return { image, mark: await imageInspector.mark(image, calm), content, leavesPath, name: `../${path.split('/').at(-2)}/disk.qcow2`, differs };
  }

  const rootOf = async (path: string): Promise<string> => (await transfer.digest({ kind: 'image', image: raw(path) }, calm)).root;

  test('has no name when the digests of its parent were cut short while it was written', async () => {
    const source = join(folder, 'cut-source');
    const content = new Uint8Array(SIZE).fill(3);
    writeFileSync(source, content);
    const { leavesPath = '', ...base } = await copy(raw(source), 'cut-0');
    const parent = await asParent({ ...base, leavesPath }, [], { differs: 'everything' });
    writeFileSync(source, content.fill(4, 0, LEAF_SIZE));
    const short = readFileSync(leavesPath).subarray(0, -36);
    const onProgress = ({ settled }: CopyProgress): void => {
      // Movers have the list open by then.
      if (settled === 0) return;
      writeFileSync(`${leavesPath}.short`, short);
      renameSync(`${leavesPath}.short`, leavesPath);
    };
    await expect(copy(raw(source), 'cut-1', { parent, rateLimit: 8 * MIB, onProgress })).rejects.toMatchObject({ code: 'chain/parent-changed' });
    expect(existsSync(join(folder, 'cut-1/disk.qcow2'))).toBe(false);
  });

  test('ten increments of random writes, found by comparing: each has the root of the whole, and QEMU reads the same disk', async () => {
    let run = 0;
    const piece = sparseDisk({ sizeMax: SIZE, pieceMax: 300 * KIB }).map(({ pieces }) => pieces);
    const writes = fc.array(piece, { minLength: 10, maxLength: 10 });
    await fc.assert(
      fc.asyncProperty(writes, async (rounds) => {
        run += 1;
        const source = join(folder, `source-${run}`);
        const content = new Uint8Array(SIZE).fill(3, 1000, 2 * LEAF_SIZE);
        writeFileSync(source, content);
        let last = await copy(raw(source), `run-${run}-0`);
        const below: string[] = [];
        for (const [round, pieces] of rounds.entries()) {
          apply(content, pieces);
          writeFileSync(source, content);
          const parent = await asParent(last, [...below], { differs: 'everything' });
          below.push(last.path);
          last = await copy(raw(source), `run-${run}-${round + 1}`, { parent });
          expect(last.content?.root).toBe(await rootOf(source));
        }
        expect(qemu('qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', source, last.path)).toContain('identical');
        expect(qemu('qemu-img', 'check', last.path)).toContain('No errors');
      }),
      { numRuns: 2, endOnFailure: true },
    );
  });

  test('marks say what to read: an overlay of the source names its changes, and zeros over data are kept as zeros', async () => {
    const base = join(folder, 'base.qcow2');
    qemu('qemu-img', 'create', '-q', '-f', 'qcow2', base, `${SIZE}`);
    qemu('qemu-io', '-t', 'unsafe', '-f', 'qcow2', '-c', `write -P 5 0 ${3 * LEAF_SIZE}`, '-c', 'write -P 6 15M 64k', base);
    const full = await copy({ path: base, format: 'qcow2', references: 'refuse' }, 'marked-full');
    const top = join(folder, 'top.qcow2');
    qemu('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', 'base.qcow2', '-F', 'qcow2', top);
    qemu('qemu-io', '-t', 'unsafe', '-f', 'qcow2', '-c', 'write -P 9 1M 64k', '-c', 'write -z 4M 4M', '-c', 'discard 15M 64k', top);
    const source: ImageRef = { path: top, format: 'qcow2', references: 'beside' };
    expect((await imageInspector.layerMarks(source, calm))[1]).toBe(await imageInspector.mark({ ...source, path: base }, calm));
    const parent = await asParent(full, [], { differs: 'marked' });
    const link = await copy({ ...source, layers: 1 }, 'marked-link', { parent });

    expect(link.dataRead).toBe(64 * KIB);
    expect(statSync(link.path).size).toBeLessThan(MIB);
    expect(qemu('qemu-img', 'compare', '-f', 'qcow2', '-F', 'qcow2', top, link.path)).toContain('identical');
    const map = qemu('qemu-img', 'map', '--output=json', link.path);
    expect(JSON.parse(map)).toContainEqual(expect.objectContaining({ start: LEAF_SIZE, length: LEAF_SIZE, depth: 0, zero: true }));
  });

  test('a link is verified by what it holds alone, and a flipped byte or a table entry that is lost is found', async () => {
    const source = join(folder, 'verified');
    const content = new Uint8Array(SIZE).fill(8);
    writeFileSync(source, content);
    const full = await copy(raw(source), 'verified-full');
    content.fill(9, LEAF_SIZE + 10, LEAF_SIZE + 20);
    content.fill(0, 3 * LEAF_SIZE, 4 * LEAF_SIZE);
    writeFileSync(source, content);
    const parent = await asParent(full, [], { differs: 'everything' });
    const link = await copy(raw(source), 'verified-link', { parent });
    const verify = async () => {
      if (!link.content || !link.leavesPath) throw new Error('no proof');
      const image: ImageRef = { path: link.path, format: 'qcow2', references: { listed: [full.path] } };
      const request = { source: { kind: 'image', image }, expected: link.content, leavesPath: link.leavesPath, parent, percent: 100 } as const;
      return await transfer.verify(request, calm);
    };
    expect(await verify()).toEqual({ result: 'equal', leavesChecked: 2 });
    qemu('qemu-io', '-f', 'qcow2', '-c', `discard ${3 * LEAF_SIZE} ${CLUSTER}`, '-c', `write -P 1 ${3 * LEAF_SIZE} 512`, link.path);
    expect(await verify()).toMatchObject({ result: 'different', leaf: 3 });
  });

  test.each([
    ['raw', 'none'],
    ['qcow2', 'zstd'],
    ['vmdk', 'zlib'],
    ['vhd', 'none'],
    ['vhdx', 'none'],
    ['vdi', 'none'],
  ] as const)('lies on a parent in %s too, compressed with %s', async (format, compression) => {
    const source = join(folder, `upon-${format}`);
    const content = Buffer.alloc(SIZE, 'some text to compress ');
    writeFileSync(source, content);
    const path = join(folder, `${format}-full`, `disk.${format}`);
    const full = await copy(raw(source), `${format}-full`, { path, settings: { format } });
    content.fill(0, LEAF_SIZE + 3 * CLUSTER, LEAF_SIZE + 5 * CLUSTER).fill('other ', 9 * MIB, 10 * MIB);
    writeFileSync(source, content);
    const parent: ParentImage = { ...(await asParent(full, [], { differs: 'everything', format })), name: `../${format}-full/disk.${format}` };
    const link = await copy(raw(source), `${format}-link`, { parent, settings: { format: 'qcow2', compression } });
    expect(link.content?.root).toBe(await rootOf(source));
    expect(statSync(link.path).size).toBeLessThan(3 * MIB);
    expect(qemu('qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', source, link.path)).toContain('identical');
    expect(qemu('qemu-img', 'check', link.path)).toContain('No errors');
  });

  test('a parent that was changed is never built upon', async () => {
    const source = join(folder, 'upon');
    writeFileSync(source, new Uint8Array(SIZE).fill(8));
    const full = await copy(raw(source), 'upon-full');
    const parent = await asParent(full, [], { differs: 'everything' });
    qemu('qemu-io', '-f', 'qcow2', '-c', 'write -P 1 1M 512', full.path);
    writeFileSync(source, new Uint8Array(SIZE).fill(8).fill(1, 0, 10));
    await expect(copy(raw(source), 'upon-link', { parent })).rejects.toMatchObject({ code: 'chain/parent-changed' });
    const looksRight = { ...parent, mark: await imageInspector.mark(parent.image, calm) };
    await expect(copy(raw(source), 'upon-link', { parent: looksRight })).rejects.toMatchObject({ code: 'chain/parent-changed' });
    truncateSync(source, SIZE + LEAF_SIZE);
    await expect(copy(raw(source), 'upon-larger', { parent: looksRight })).rejects.toMatchObject({ code: 'chain/parent-changed' });
  });
});

function apply(content: Uint8Array, pieces: readonly DiskPiece[]): void {
  for (const piece of pieces) {
    const length = Math.max(0, Math.min(piece.length, content.length - piece.offset));
    if (length === 0) continue;
    content.set(materialise({ virtualSize: content.length, pieces: [piece] }, { offset: piece.offset, length }), piece.offset);
  }
}
