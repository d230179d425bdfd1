import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageSettings } from '@hypersdk/ports';
import { missing } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { describeSettings, SETS } from './orders.ts';
import { killedAt } from './killed-at.ts';
import { Stage } from './stage.ts';

const TIMEOUT_MS = 600_000;
const CHUNKS = 2;
/** More calls of one kind than a copy of this size makes. */
const CALLS_MAX = 40;
/** So that a split disk has two extents. Of flat ones every byte is read back, so that these stay small. */
const DISK_SIZE = 2060 * 1024 * 1024;

const cache = await mkdtemp(join(tmpdir(), 'kill-sets-'));
afterAll(() => rm(cache, { recursive: true, force: true }));

/** Calls that give a file its name, in the order in which a copy makes them. */
const namings = (path: string): readonly { readonly call: string; readonly on: string }[] => [
  { call: 'rename', on: `${path}.leaves.partial` },
  { call: 'renameat2', on: `${path}.partial.1.part1` },
  { call: 'renameat2', on: `${path}.partial.1.part2` },
  { call: 'renameat2', on: `${path}.partial.1` },
  { call: 'unlink', on: `${path}.partial.1.checkpoint` },
];

const syncs = (path: string): readonly { readonly call: string; readonly on: string }[] => [
  { call: 'fsync', on: path.replace(/\/[^/]+$/, '') },
  { call: 'fsync', on: `${path}.partial.1.part1` },
];

describe.skipIf(missing('qemu-img', 'strace'))('an image of several files, killed at each step of publishing', { timeout: TIMEOUT_MS }, () => {
  test.each(SETS.map((settings, at) => [describeSettings(settings), settings, at] as const))(
    'is whole or has no name, and the next attempt brings it to its end without a trace: %s',
    async (_, settings, at) => {
      await using stage = await openStage(settings);
      await stage.expectWhole(await stage.copy({}, { cache }));
      const whole = await stage.digests();
      let kills = 0;
      // The syncs are the same for all of them.
      for (const { call, on } of [...namings(stage.path), ...(at === 0 ? syncs(stage.path) : [])]) {
        for (let count = 1; count < CALLS_MAX; count += 1) {
          await stage.clear();
          const killed = await stage.copy({}, killedAt({ call, count, on, cache }));
          if (killed.kind === 'done') break;
          expect(killed, `${call} ${count} on ${on}`).toMatchObject({ kind: 'killed' });
          kills += 1;
          if (stage.isPublished) expect((await stage.digests()).filter((digest) => whole.includes(digest))).toHaveLength(whole.length);
          await stage.expectWhole(await stage.copy({}, { cache }));
          expect(await stage.digests()).toEqual(whole);
        }
      }
      expect(kills).toBeGreaterThanOrEqual(at === 0 ? 5 : 4);
    },
  );
});

async function openStage(settings: ImageSettings): Promise<Stage> {
  const stage = await Stage.open(settings, CHUNKS);
  if (settings.subformat !== 'twoGbMaxExtentSparse') return stage;
  await using source = await open(stage.source, 'r+');
  await source.write(Buffer.alloc(4096, 5), 0, 4096, DISK_SIZE - 4096);
  return stage;
}
