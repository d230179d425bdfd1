import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cannotMount } from './cannot-mount.ts';
import { makeNoiseDisk } from './noise-disk.ts';
import { LAYOUTS } from './orders.ts';
import { PowerCuts } from './power-cuts.ts';
import { STAGE_CHUNKS } from './stage.ts';

const TIMEOUT_MS = 180_000;
const CUTS_PER_LAYOUT = 2;

describe.skipIf(cannotMount('mkfs.ext4', 'losetup', 'unshare'))('after a power cut', { timeout: TIMEOUT_MS }, () => {
  let folder = '';
  let cuts: PowerCuts;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'power-cuts-'));
    await makeNoiseDisk(join(folder, 'source'), STAGE_CHUNKS);
    cuts = new PowerCuts({ source: join(folder, 'source'), folder });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(LAYOUTS)('an image of %o that has its name is whole, and one that has not is brought to its end', async (settings) => {
    for (let cut = 0; cut < CUTS_PER_LAYOUT; cut += 1) expect((await cuts.cut(settings)).wrong).toEqual([]);
  });
});
