import { readdir, stat, writeFile } from 'node:fs/promises';
import { MIB } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { newestCheckpoint, readSettled } from './checkpoint-reader.ts';
import { cannotMount } from './cannot-mount.ts';
import type { Surroundings } from './running-copy.ts';
import { Stage } from './stage.ts';

const TIMEOUT_MS = 180_000;
/** As in another container: locks of the network namespace are not seen there. */
const ELSEWHERE: Surroundings = { under: ['unshare', '--net'] };

const inodeOf = async (stage: Stage, pattern: RegExp): Promise<number> => {
  const [name] = (await readdir(stage.target)).filter((entry) => pattern.test(entry));
  return (await stat(`${stage.target}/${name}`)).ino;
};
/** The settled work is gone on with, in a file that the old owner does not have open. */
async function expectTakenOver(stage: Stage): Promise<void> {
  const image = await inodeOf(stage, IMAGE);
  const { leaves } = readSettled(stage.path);
  const end = await stage.copy();
  expect(end).toMatchObject({ outcome: { resumedAt: leaves * 4 * MIB } });
  await stage.expectWhole(end);
  expect((await stat(stage.path)).ino).not.toBe(image);
}

const IMAGE = /\.partial\.\d+$/;

describe.skipIf(cannotMount('unshare') || missing('qemu-img'))('work of an owner that may still live', { timeout: TIMEOUT_MS }, () => {
  test('of another container is taken over in new files', async () => {
    await using stage = await Stage.open();
    await stage.killHalfway({}, ELSEWHERE);
    await expectTakenOver(stage);
  });

  test('of another boot is taken over in new files', async () => {
    await using stage = await Stage.open();
    const bootId = `${stage.folder}/boot-id`;
    await writeFile(bootId, '00000000-1111-4222-8333-444444444444\n');
    const script = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"';
    await stage.killHalfway({}, { under: ['unshare', '--mount', 'sh', '-c', script, bootId] });
    expect(readSettled(stage.path).owner?.bootId).toBe('00000000-1111-4222-8333-444444444444');
    await expectTakenOver(stage);
  });

  test('that does live is not disturbed in its files, and does not disturb', async () => {
    await using stage = await Stage.open();
    await using elsewhere = stage.start({ rateLimit: 30 * MIB }, ELSEWHERE);
    await elsewhere.until((progress) => progress.settled >= 100 * MIB);
    elsewhere.signal('SIGSTOP');
    const checkpoint = newestCheckpoint(stage.path);
    const before = checkpoint === undefined ? 0 : (await stat(checkpoint)).ino;
    await using here = stage.start({ rateLimit: 30 * MIB });
    await here.until((progress) => progress.stage === 'copying');
    elsewhere.signal('SIGCONT');
    const after = newestCheckpoint(stage.path);
    expect(after === undefined ? 0 : (await stat(after)).ino).not.toBe(before);
    const [lost, won] = await Promise.all([elsewhere.ended, here.ended]);
    expect(lost).toMatchObject({ kind: 'failed', code: 'target/not-found' });
    await stage.expectWhole(won);
  });

  test('of a dead owner of this boot is continued in place', async () => {
    await using stage = await Stage.open();
    await stage.killHalfway();
    const image = await inodeOf(stage, IMAGE);
    await stage.expectWhole(await stage.copy());
    expect((await stat(stage.path)).ino).toBe(image);
  });
});
