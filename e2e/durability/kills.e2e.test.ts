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
    // A window of 64 MiB, another one that fills while the first is on its way to the medium, and the leaves in flight.
    expect(tally.lostMax).toBeLessThan(160 * MIB);
    // 64 MiB, and the leaf that completes them.
    expect(tally.comparedMax).toBeLessThan(68 * MIB);
  },
  120_000,
);
