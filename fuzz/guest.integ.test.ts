import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeGuestSeeds, type GuestSeed } from './guest-seeds.ts';
import { lookAtDamaged } from './look-at-damaged.ts';
import { Random } from './random.ts';

const TIMEOUT_MS = 120_000;
const LOOKS_PER_DISK = 60;

describe.skipIf(missing('mkfs.ext4'))('damaged guest disks', { timeout: TIMEOUT_MS }, () => {
  let folder = '';
  let seeds: readonly GuestSeed[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fuzz-guest-'));
    seeds = await makeGuestSeeds(folder);
  }, TIMEOUT_MS);
  afterAll(() => {
    for (const seed of seeds) seed[Symbol.dispose]();
    rmSync(folder, { recursive: true });
  });

  test('end in an answer, most of them with findings in words', async () => {
    const tally = { whole: 0, broken: 0 };
    for (const seed of seeds) {
      for (let number = 1; number <= LOOKS_PER_DISK; number += 1) tally[await lookAtDamaged(seed, new Random(number))] += 1;
    }
    expect(tally.whole + tally.broken).toBe(seeds.length * LOOKS_PER_DISK);
    expect(tally.broken).toBeGreaterThan(40);
  });
});
