import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { killedAt } from './killed-at.ts';
import { LAYOUTS, sha256 } from './orders.ts';
import { Stage } from './stage.ts';

const TIMEOUT_MS = 600_000;
/** A small disk goes through the same steps. */
const CHUNKS = 8;
/** More calls of one kind than a copy of this size makes. */
const CALLS_MAX = 40;

const cache = await mkdtemp(join(tmpdir(), 'kill-steps-'));
afterAll(() => rm(cache, { recursive: true, force: true }));

describe.skipIf(missing('qemu-img', 'strace'))('killed at each step of publishing', { timeout: TIMEOUT_MS }, () => {
  const steps = (path: string): readonly { readonly call: string; readonly on: string }[] => [
    { call: 'fdatasync', on: `${path}.partial.1` },
    { call: 'pwrite64', on: `${path}.partial.1.checkpoint` },
    { call: 'fdatasync', on: `${path}.partial.1.checkpoint` },
    { call: 'write', on: `${path}.leaves.partial` },
    { call: 'fsync', on: `${path}.leaves.partial` },
    { call: 'rename', on: `${path}.leaves.partial` },
    { call: 'fsync', on: `${path}.partial.1` },
    { call: 'fsync', on: path.replace(/\/[^/]+$/, '') },
    { call: 'renameat2', on: `${path}.partial.1` },
    { call: 'unlink', on: `${path}.partial.1.checkpoint` },
  ];

  test('a copy leaves no image or a whole one, and the next attempt brings it to its end without a trace', async () => {
    let kills = 0;
    for (const [at, { call }] of steps('').entries()) {
      const settings = LAYOUTS[at % LAYOUTS.length] ?? { format: 'raw' };
      await using stage = await Stage.open(settings, CHUNKS);
      const { on } = steps(stage.path)[at] ?? { on: '' };
      await stage.expectWhole(await stage.copy({}, { cache }));
      const whole = await sha256(stage.path);
      for (let count = 1; count < CALLS_MAX; count += 1) {
        await stage.clear();
        const killed = await stage.copy({}, killedAt({ call, count, on, cache }));
        if (killed.kind === 'done') break;
        expect(killed, `${call} ${count}`).toMatchObject({ kind: 'killed' });
        kills += 1;
        if (stage.isPublished) expect(await sha256(stage.path)).toBe(whole);
        await stage.expectWhole(await stage.copy({}, { cache }));
        expect(await sha256(stage.path)).toBe(whole);
      }
    }
    expect(kills).toBeGreaterThan(steps('').length);
  });
});
