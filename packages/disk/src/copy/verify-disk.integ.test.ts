import { copyFileSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync, ftruncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LEAF_SIZE } from '@hypersdk/domain';
import type { BlockLocator, CopyOutcome, Transfer, VerifyOutcome } from '@hypersdk/ports';
import { calm } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageInspector } from '../inspect/image-inspector.ts';
import { openTransfer } from './transfer.ts';

const LEAVES = 5;
const raw = (path: string): BlockLocator => ({ kind: 'image', image: { path, format: 'raw', references: 'refuse' } });

describe('a sampled verification', () => {
  let folder = '';
  let transfer: Transfer;
  let copy: CopyOutcome;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'verify-'));
    transfer = openTransfer({ workers: 1 });
    const source = join(folder, 'source');
    writeFileSync(source, Buffer.alloc(LEAVES * LEAF_SIZE, 7));
    copy = await transfer.copy(
      {
        source: raw(source),
        sourceMark: await imageInspector.mark({ path: source, format: 'raw', references: 'refuse' }, calm),
        path: join(folder, 'copy'),
        settings: { format: 'raw' },
        digest: 'tree',
        durability: 'sync',
        verifyPercent: 1,
        overwrite: false,
        restart: false,
      },
      calm,
    );
  });
  afterAll(async () => {
    await transfer[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const verify = async (path: string, percent: number): Promise<VerifyOutcome> => {
    if (!copy.content || copy.leavesPath === undefined) throw new Error('the copy has no proof');
    return transfer.verify({ source: raw(path), expected: copy.content, leavesPath: copy.leavesPath, percent }, calm);
  };

  test('of a small disk looks at one leaf at least, also when a copy is read back', async () => {
    expect(copy.leavesChecked).toBeGreaterThanOrEqual(1);
    expect(copy.leavesChecked).toBeLessThan(LEAVES);
    const outcome = await verify(copy.path, 1);
    expect(outcome).toMatchObject({ result: 'equal' });
    expect(outcome.leavesChecked).toBeGreaterThanOrEqual(1);
  });

  test('finds a leaf that was lost altogether, leaving a hole', async () => {
    const holed = join(folder, 'holed');
    const fd = openSync(holed, 'w');
    ftruncateSync(fd, LEAVES * LEAF_SIZE);
    writeSync(fd, readFileSync(copy.path), LEAF_SIZE, (LEAVES - 1) * LEAF_SIZE, LEAF_SIZE);
    closeSync(fd);
    expect(await verify(holed, 1)).toMatchObject({ result: 'different', leaf: 0, offset: 0, length: LEAF_SIZE });
  });

  test('leaves to a full one what it did not look at', async () => {
    const flipped = join(folder, 'flipped');
    copyFileSync(copy.path, flipped);
    const fd = openSync(flipped, 'r+');
    writeSync(fd, Uint8Array.of(8), 0, 1, 3 * LEAF_SIZE + 5);
    closeSync(fd);
    expect(await verify(flipped, 100)).toMatchObject({ result: 'different', leaf: 3 });
  });
});
