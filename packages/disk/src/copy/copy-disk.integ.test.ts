import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { GIB, LEAF_SIZE, MIB } from '@hypersdk/domain';
import type { BlockLocator, CopyRequest, Transfer } from '@hypersdk/ports';
import { calm } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageInspector } from '../inspect/image-inspector.ts';
import { openTransfer } from './transfer.ts';

/** Several checkpoint windows, whichever kind of copy is asked for. */
const LEAVES = 40;
/** Writing so many zeros takes seconds on any medium. */
const LARGE = 16 * GIB;
const SOON_MS = 300;
/** Of a machine that does much else. */
const AT_ONCE_MS = 3000;
const content = Buffer.alloc(LEAVES * LEAF_SIZE, 7);

describe('a copy of many checkpoint windows ends', () => {
  let folder = '';
  let transfer: Transfer;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'copy-'));
    transfer = openTransfer({ workers: 2 });
    writeFileSync(join(folder, 'source'), content);
  });
  afterAll(async () => {
    await transfer[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  test.each<Pick<CopyRequest, 'digest' | 'durability'>>([
    { digest: 'tree', durability: 'sync' },
    { digest: 'tree', durability: 'none' },
    { digest: 'none', durability: 'sync' },
    { digest: 'none', durability: 'none' },
  ])('with %o', async (asked) => {
    const image = { path: join(folder, 'source'), format: 'raw', references: 'refuse' } as const;
    const source: BlockLocator = { kind: 'image', image };
    const path = join(folder, `${asked.digest}-${asked.durability}`);
    const sourceMark = await imageInspector.mark(image, calm);
    const settings = { format: 'raw' } as const;
    await transfer.copy({ ...asked, source, sourceMark, path, settings, verifyPercent: 1, overwrite: false, restart: false }, calm);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  test('when it is called off while zeros are written ahead, at once', async () => {
    const image = { path: join(folder, 'large'), format: 'raw', references: 'refuse' } as const;
    writeFileSync(image.path, '');
    truncateSync(image.path, LARGE);
    const sourceMark = await imageInspector.mark(image, calm);
    const cancel = new AbortController();
    const settings = { format: 'raw', preallocation: 'full' } as const;
    const request = { source: { kind: 'image', image }, sourceMark, path: join(folder, 'full'), settings, verifyPercent: 1 } as const;
    const ended = transfer.copy({ ...request, digest: 'none', durability: 'none', overwrite: false, restart: false }, { signal: cancel.signal });
    await setTimeout(SOON_MS);
    const since = performance.now();
    cancel.abort(new Error('enough'));
    await expect(ended).rejects.toThrow('enough');
    expect(performance.now() - since).toBeLessThan(AT_ONCE_MS);
    expect(readdirSync(folder).filter((name) => name.startsWith('full'))).toEqual([]);
  });

  test('in clusters that are compressed step by step, with the same file whoever compresses', async () => {
    const path = join(folder, 'noisy');
    const noise = Buffer.alloc(4 * LEAF_SIZE);
    for (let at = 0, state = 1; at < noise.length; at += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      noise[at] = at % 3 === 0 ? state >>> 30 : 5;
    }
    writeFileSync(path, noise);
    const image = { path, format: 'raw', references: 'refuse' } as const;
    const sourceMark = await imageInspector.mark(image, calm);
    const settings = { format: 'qcow2', compression: 'zstd', compressionLevel: 3, clusterSize: 2 * MIB } as const;
    const copies = [1, 2].map(async (workers) => {
      await using engine = openTransfer({ workers });
      const source = { kind: 'image', image } as const;
      const request = { source, sourceMark, path: join(folder, `clusters-${workers}`), settings, verifyPercent: 100 } as const;
      return await engine.copy({ ...request, digest: 'tree', durability: 'sync', overwrite: false, restart: false }, calm);
    });
    const [one, two] = await Promise.all(copies);
    expect(one?.containerDigest).toBe(two?.containerDigest);
  });
});
