import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB } from '@hypersdk/domain';
import type { BlockLocator, CopyOutcome, CopyProgress, CopyRequest, ImageSettings, Transfer } from '@hypersdk/ports';
import { calm, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { imageInspector } from '../inspect/image-inspector.ts';
import { openTransfer } from './transfer.ts';

const TIMEOUT_MS = 120_000;
/** Two extents of a split disk. */
const SIZE = 2060 * MIB;
const sparse = { format: 'vmdk', subformat: 'twoGbMaxExtentSparse' } as const;
const NAMES = {
  twoGbMaxExtentSparse: ['disk-s001.vmdk', 'disk-s002.vmdk'],
  twoGbMaxExtentFlat: ['disk-f001.vmdk', 'disk-f002.vmdk'],
  monolithicFlat: ['disk-flat.vmdk'],
} as const;

describe.skipIf(missing('qemu-img'))('an image of several files', { timeout: TIMEOUT_MS }, () => {
  let folder = '';
  let transfer: Transfer;
  const at = (name: string): string => join(folder, name);
  const target = (): string => at('target/disk.vmdk');
  const names = (): readonly string[] => readdirSync(at('target')).toSorted();

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'copy-set-'));
    transfer = openTransfer({ workers: 2 });
    writeFileSync(at('source'), '');
    truncateSync(at('source'), SIZE);
    // On both sides of the border between two extents, and beyond one window of a checkpoint.
    for (const [start, length] of [
      [0, 80 * MIB],
      [2043 * MIB, 2 * MIB],
      [SIZE - 4096, 4096],
    ] as const)
      fill(at('source'), start, length);
  });
  afterAll(async () => {
    await transfer[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    rmSync(at('target'), { recursive: true, force: true });
    mkdirSync(at('target'));
  });

  const locate = (path: string, format: 'raw' | 'vmdk' = 'raw'): BlockLocator => ({ kind: 'image', image: { path, format, references: 'beside' } });
  async function copy(settings: ImageSettings, change: Partial<CopyRequest> = {}, o: Parameters<Transfer['copy']>[1] = calm): Promise<CopyOutcome> {
    const sourceMark = await imageInspector.mark({ path: at('source'), format: 'raw', references: 'refuse' }, calm);
    const plain = {
      source: locate(at('source')),
      sourceMark,
      path: target(),
      settings,
      verifyPercent: 100,
      overwrite: false,
      restart: false,
    } as const;
    return await transfer.copy({ ...plain, digest: 'tree', durability: 'sync', ...change }, o);
  }
  const qemuImg = (...args: readonly string[]): string => execFileSync('qemu-img', args, { encoding: 'utf8' });

  test.each(Object.entries(NAMES))('%s is what qemu-img takes it for, and its digests are those of its files', async (subformat, parts) => {
    const outcome = await copy({ format: 'vmdk', subformat });
    expect(names()).toEqual(['disk.vmdk', ...parts, 'disk.vmdk.leaves'].toSorted());
    qemuImg('check', '-f', 'vmdk', target());
    qemuImg('compare', '-f', 'raw', '-F', 'vmdk', at('source'), target());
    expect(qemuImg('info', '--output=json', target())).toContain(`"create-type": "${subformat}"`);
    const files = [...(outcome.parts ?? []), outcome];
    expect(files.map(({ path }) => path)).toEqual([...parts.map((name) => at(`target/${name}`)), target()]);
    const small = files.filter(({ fileSize }) => fileSize < 100 * MIB);
    expect(small.map(({ containerDigest }) => containerDigest)).toEqual(small.map(({ path }) => sha256(path)));
    expect(await transfer.compare(locate(at('source')), locate(target(), 'vmdk'), calm)).toMatchObject({ result: 'equal' });
  });

  test('is known again when it was published, and a file of it that changed is found', async () => {
    const first = await copy(sparse);
    expect(await copy(sparse)).toMatchObject({ dataRead: 0, parts: first.parts });
    const [part] = first.parts ?? [];
    const container = {
      path: first.path,
      digest: first.containerDigest ?? '',
      parts: (first.parts ?? []).map(({ path, containerDigest = '' }) => ({ path, digest: containerDigest })),
    };
    const request = { source: locate(target(), 'vmdk'), expected: first.content ?? expect.unreachable(), percent: 100, container };
    expect(await transfer.verify(request, calm)).toMatchObject({ result: 'equal' });
    fill(part?.path ?? '', 100, 4);
    expect(await transfer.verify(request, calm)).toMatchObject({ result: 'different', what: expect.stringContaining('disk-s001.vmdk') });
  });

  test('goes on where it was cancelled, and ends as the same files', async () => {
    await copy(sparse);
    const whole = names().map((name) => sha256(at(`target/${name}`)));
    for (const name of names()) rmSync(at(`target/${name}`));
    const cancel = new AbortController();
    const onProgress = ({ settled }: CopyProgress): void => (settled > 70 * MIB && settled < SIZE ? cancel.abort(new Error('enough')) : undefined);
    await expect(copy(sparse, { rateLimit: 20 * MIB }, { signal: cancel.signal, onProgress })).rejects.toThrow('enough');
    expect(names()).toEqual(['', '.checkpoint', '.part1', '.part2'].map((ending) => `disk.vmdk.partial.1${ending}`));
    expect(await copy(sparse)).toMatchObject({ resumedAt: expect.toSatisfy((offset: number) => offset > 0) });
    expect(names().map((name) => sha256(at(`target/${name}`)))).toEqual(whole);
  });

  test('is not begun when the name of one of its files is taken, and takes nothing away', async () => {
    writeFileSync(at('target/disk-s002.vmdk'), 'another');
    await expect(copy(sparse)).rejects.toMatchObject({ code: 'target/exists', message: expect.stringContaining('disk-s002.vmdk') });
    expect(names()).toEqual(['disk-s002.vmdk']);
    await copy(sparse, { overwrite: true });
    expect(names()).toHaveLength(4);
  });

  test('replaces one of other files, and is replaced by a single file, with nothing left of it', async () => {
    await copy({ format: 'vmdk', subformat: 'monolithicFlat' });
    await copy(sparse, { overwrite: true });
    expect(names()).toEqual(['disk-s001.vmdk', 'disk-s002.vmdk', 'disk.vmdk', 'disk.vmdk.leaves']);
    await copy({ format: 'vmdk' }, { overwrite: true });
    expect(names()).toEqual(['disk.vmdk', 'disk.vmdk.leaves']);
  });

  test('without proof leaves only its own files, and none when it is called off', async () => {
    await copy(sparse, { digest: 'none', durability: 'none' });
    expect(names()).toEqual(['disk-s001.vmdk', 'disk-s002.vmdk', 'disk.vmdk']);
    qemuImg('compare', '-f', 'raw', '-F', 'vmdk', at('source'), target());
    for (const name of names()) rmSync(at(`target/${name}`));
    const cancel = new AbortController();
    const asked = { digest: 'none', durability: 'none', rateLimit: 20 * MIB } as const;
    await expect(copy(sparse, asked, { signal: cancel.signal, onProgress: () => cancel.abort(new Error('enough')) })).rejects.toThrow('enough');
    expect(names()).toEqual([]);
  });

  test('cannot be called by a name that its descriptor cannot hold', async () => {
    await expect(copy(sparse, { path: at('target/größe.vmdk') })).rejects.toMatchObject({ code: 'usage/invalid' });
    expect(names()).toEqual([]);
  });
});

function fill(path: string, start: number, length: number): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, Buffer.alloc(length, 7), 0, length, start);
  closeSync(fd);
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
