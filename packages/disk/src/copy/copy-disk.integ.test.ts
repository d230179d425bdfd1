import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LEAF_SIZE } from '@hypersdk/domain';
import type { BlockLocator, CopyRequest, Transfer } from '@hypersdk/ports';
import { calm } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageInspector } from '../inspect/image-inspector.ts';
import { openTransfer } from './transfer.ts';

/** Several checkpoint windows, whichever kind of copy is asked for. */
const LEAVES = 40;
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
});
