import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB } from '@hypersdk/domain';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KillLoop } from './kill-loop.ts';
import { makeNoiseDisk } from './noise-disk.ts';
import { describeSettings, LAYOUTS } from './orders.ts';

const CHUNKS = 64;
const KILLS_PER_LAYOUT = 5;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kills-'));
  await makeNoiseDisk(join(folder, 'source'), CHUNKS);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(LAYOUTS)(
  'a copy to %o that is killed again and again ends as if it had not been',
  async (settings) => {
    const name = describeSettings(settings);
    const loop = await KillLoop.open({
      source: join(folder, 'source'),
      chunks: CHUNKS,
      settings,
      folder: join(folder, name),
      cache: join(folder, 'cache'),
    });
    const tally = await loop.run(KILLS_PER_LAYOUT);
    expect(tally.wrong).toEqual([]);
    expect(tally.kills).toBe(KILLS_PER_LAYOUT);
    expect(tally.copies).toBeGreaterThan(0);
    // One window; what a run reads beside the disk differs by less than the rest.
    expect(tally.lostMax).toBeLessThan(66 * MIB);
    expect(tally.comparedMax).toBeLessThanOrEqual(64 * MIB);
  },
  120_000,
);
