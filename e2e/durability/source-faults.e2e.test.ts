import { copyFile, open, rename, rm, truncate } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { MIB } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { readSettled } from './checkpoint-reader.ts';
import { noise } from './noise-disk.ts';
import type { Surroundings } from './running-copy.ts';
import { Stage, withFault } from './stage.ts';

const TIMEOUT_MS = 180_000;
/** Slow enough that the source can be touched while the copy runs. */
const SLOW = { rateLimit: 40 * MIB };

async function overwrite(path: string, offset: number): Promise<void> {
  await using file = await open(path, 'r+');
  await file.write(noise(1_000_000, MIB), 0, MIB, offset);
}

describe.skipIf(missing('qemu-img'))('a source that changes while it is copied', { timeout: TIMEOUT_MS }, () => {
  test.each([
    { what: 'is written to', change: (stage: Stage) => overwrite(stage.source, 0) },
    { what: 'is cut short', change: (stage: Stage) => truncate(stage.source, 100 * MIB) },
    {
      what: 'is replaced by another file',
      change: async (stage: Stage) => {
        await copyFile(stage.source, `${stage.source}.new`);
        await rename(`${stage.source}.new`, stage.source);
      },
    },
  ])('that $what gives no image, and a new copy begins anew', async ({ change }) => {
    await using stage = await Stage.open();
    await using copy = stage.start(SLOW);
    await copy.until((progress) => progress.settled >= 40 * MIB);
    await change(stage);
    const end = await copy.ended;
    expect(end).toMatchObject({ kind: 'failed', code: 'source/changed' });
    expect(end).toHaveProperty('message', expect.stringContaining(stage.source));
    expect(stage.isPublished).toBe(false);
    const again = await stage.copy();
    expect(again).toMatchObject({ outcome: { resumedAt: 0 } });
    await stage.expectWhole(again);
  });

  test('that is deleted gives no image', async () => {
    await using stage = await Stage.open();
    await using copy = stage.start(SLOW);
    await copy.until((progress) => progress.settled >= 40 * MIB);
    await rm(stage.source);
    const end = await copy.ended;
    expect(end).toMatchObject({ kind: 'failed', code: 'source/changed' });
    expect(end).toHaveProperty('message', expect.stringContaining(stage.source));
    expect(stage.isPublished).toBe(false);
    expect(await stage.names()).toEqual([]);
  });
});

describe.skipIf(missing('qemu-img'))('a source that changes between a kill and the resume', { timeout: TIMEOUT_MS }, () => {
  test('is refused under the old mark, and copied from the beginning under the new one', async () => {
    await using stage = await Stage.open();
    const sourceMark = await stage.killHalfway();
    await overwrite(stage.source, 0);
    expect(await stage.copy({ sourceMark })).toMatchObject({ kind: 'failed', code: 'source/changed' });
    expect(stage.isPublished).toBe(false);
    const again = await stage.copy();
    expect(again).toMatchObject({ outcome: { resumedAt: 0, restartReason: expect.stringContaining('changed') } });
    await stage.expectWhole(again);
  });

  test('is found by its bytes, even when its times were put back', async () => {
    await using stage = await Stage.open();
    await stage.killHalfway();
    // Nanoseconds and all, which the functions of Node cannot do.
    execFileSync('cp', ['--attributes-only', '--preserve=timestamps', stage.source, `${stage.folder}/times`]);
    const leaf = readSettled(stage.path).lastWindow.at(-1);
    expect(leaf).toBeDefined();
    await overwrite(stage.source, (leaf ?? 0) * 4 * MIB);
    execFileSync('touch', ['--reference', `${stage.folder}/times`, stage.source]);
    const again = await stage.copy();
    expect(again).toMatchObject({ outcome: { resumedAt: 0, restartReason: expect.stringContaining('changed at byte') } });
    await stage.expectWhole(again);
  });
});

describe.skipIf(missing('qemu-img', 'strace'))('a source whose medium answers errors', { timeout: TIMEOUT_MS }, () => {
  /** Every read of the source from the n-th on, in steps, fails on each thread. */
  const failing = (stage: Stage, when: string): Surroundings => ({
    under: ['strace', '-f', '-qq', '-o', '/dev/null', '-P', stage.source, '-e', 'trace=pread64', '-e', `inject=pread64:error=EIO${when}`],
  });

  test('now and then is read again until it answers', async () => {
    await using stage = await Stage.open();
    await stage.expectWhole(await stage.copy({}, failing(stage, ':when=2+5')));
  });

  test('always is given up on, and earlier work stays', async () => {
    await using stage = await Stage.open();
    await stage.killHalfway();
    const { leaves } = readSettled(stage.path);
    expect(leaves).toBeGreaterThan(0);
    const failed = await stage.copy({}, failing(stage, ''));
    expect(failed).toMatchObject({ kind: 'failed', code: 'source/unreadable' });
    expect(failed).toHaveProperty('message', expect.stringMatching(/source: the medium reported an error while reading at byte \d+\.$/));
    expect(readSettled(stage.path).leaves).toBe(leaves);
    const again = await stage.copy();
    expect(again).toMatchObject({ outcome: { resumedAt: leaves * 4 * MIB } });
    await stage.expectWhole(again);
  });

  test('from some byte on is given up on there, and what was read before is settled', async () => {
    await using stage = await Stage.open();
    const failed = await stage.copy({}, failing(stage, ':when=20+'));
    expect(failed).toMatchObject({ kind: 'failed', code: 'source/unreadable' });
    expect(failed).toHaveProperty('message', expect.stringContaining(stage.source));
    const { leaves } = readSettled(stage.path);
    expect(leaves).toBeGreaterThan(0);
    const again = await stage.copy();
    expect(again).toMatchObject({ outcome: { resumedAt: leaves * 4 * MIB } });
    await stage.expectWhole(again);
  });
});

describe.skipIf(missing('qemu-img', 'fiu-run'))('a checkpoint that cannot be read for now', { timeout: TIMEOUT_MS }, () => {
  test('is not taken for worthless: earlier work stays', async () => {
    await using stage = await Stage.open();
    await stage.killHalfway();
    const { leaves } = readSettled(stage.path);
    const failed = await stage.copy({}, withFault('enable name=posix/io/rw/pread,failinfo=5'));
    expect(failed).toMatchObject({ kind: 'failed', code: 'target/unreadable' });
    expect(failed).toHaveProperty('message', expect.stringContaining(stage.path));
    const again = await stage.copy();
    expect(again).toMatchObject({ outcome: { resumedAt: leaves * 4 * MIB } });
    await stage.expectWhole(again);
  });
});
