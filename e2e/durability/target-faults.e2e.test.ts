import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { MIB } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { readSettled } from './checkpoint-reader.ts';
import { cannotMount } from './cannot-mount.ts';
import { Mount } from './mount.ts';
import { noise } from './noise-disk.ts';
import type { Surroundings } from './running-copy.ts';
import { Stage, withFault } from './stage.ts';

const TIMEOUT_MS = 180_000;
/** More tries than that without an end are no progress. */
const TRIES_MAX = 80;

describe.skipIf(cannotMount() || missing('qemu-img'))('a target that is full', { timeout: TIMEOUT_MS }, () => {
  test.each([{ format: 'raw' }, { format: 'qcow2' }, { format: 'vmdk', subformat: 'streamOptimized' }] as const)(
    'keeps what is settled of a %o, and the copy goes on when there is room again',
    async (settings) => {
      await using stage = await Stage.open(settings);
      using mount = Mount.tmpfs(stage.target, 90);
      const failed = await stage.copy();
      expect(failed).toMatchObject({ kind: 'failed', code: 'target/full' });
      expect(failed).toHaveProperty('message', expect.stringMatching(/target\/disk.*the file system is full/));
      expect(stage.isPublished).toBe(false);
      const { leaves } = readSettled(stage.path);
      expect(leaves).toBeGreaterThan(0);
      // Nothing has changed: it stops again, and loses nothing.
      expect(await stage.copy()).toMatchObject({ kind: 'failed', code: 'target/full' });
      expect(readSettled(stage.path).leaves).toBeGreaterThanOrEqual(leaves);
      mount.remount('size=400m');
      const end = await stage.copy();
      expect(end).toMatchObject({ outcome: { resumedAt: expect.any(Number) } });
      await stage.expectWhole(end);
      if (end.kind === 'done') expect(end.outcome.resumedAt).toBeGreaterThanOrEqual(leaves * 4 * MIB);
    },
  );

  test('from the beginning says so, and leaves nothing that stands in the way', async () => {
    await using stage = await Stage.open();
    using mount = Mount.tmpfs(stage.target, 1);
    execFileSync('dd', ['if=/dev/zero', `of=${stage.target}/filler`, 'bs=4096', 'status=none', 'count=256']);
    expect(await stage.copy()).toMatchObject({ kind: 'failed', code: 'target/full' });
    expect(stage.isPublished).toBe(false);
    await rm(`${stage.target}/filler`);
    mount.remount('size=400m');
    await stage.expectWhole(await stage.copy());
  });
});

describe.skipIf(missing('qemu-img', 'fiu-run'))('a target that refuses writes now and then', { timeout: TIMEOUT_MS }, () => {
  test.each([
    { errno: 28, code: 'target/full', what: 'the file system is full' },
    { errno: 5, code: 'target/unwritable', what: 'the medium reported an error' },
  ])('with error $errno stops each time with $code, and comes to its end all the same', async ({ errno, code, what }) => {
    await using stage = await Stage.open();
    let failures = 0;
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const end = await stage.copy({}, withFault(`enable_random name=posix/io/rw/pwrite,probability=0.015,failinfo=${errno}`));
      if (end.kind === 'done') break;
      expect(end).toMatchObject({ kind: 'failed', code });
      expect(end).toHaveProperty('message', expect.stringContaining(stage.path));
      expect(end).toHaveProperty('message', expect.stringContaining(what));
      expect(stage.isPublished).toBe(false);
      failures += 1;
    }
    expect(failures).toBeGreaterThan(0);
    await stage.expectWhole(await stage.copy());
  });
});

describe.skipIf(missing('qemu-img', 'fiu-run'))('a target whose sync fails', { timeout: TIMEOUT_MS }, () => {
  test('at a checkpoint is not written to again: the next copy goes on in another file', async () => {
    await using stage = await Stage.open();
    await stage.killHalfway();
    const { leaves } = readSettled(stage.path);
    const inode = await inodeOfImage(stage);
    const failed = await stage.copy({}, withFault('enable name=posix/io/sync/fdatasync,failinfo=5'));
    expect(failed).toMatchObject({ kind: 'failed', code: 'target/unwritable' });
    expect(failed).toHaveProperty('message', expect.stringMatching(/target\/disk.*the medium reported an error while syncing/));
    expect(stage.isPublished).toBe(false);
    expect((await stage.names()).filter((name) => name.endsWith('.suspect'))).toHaveLength(1);
    await using copy = stage.start();
    await copy.until((progress) => progress.stage === 'copying');
    copy.signal('SIGSTOP');
    if (!stage.isPublished) expect(await inodeOfImage(stage)).not.toBe(inode);
    copy.signal('SIGCONT');
    const end = await copy.ended;
    expect(end).toMatchObject({ outcome: { resumedAt: leaves * 4 * MIB } });
    await stage.expectWhole(end);
    expect((await stat(stage.path)).ino).not.toBe(inode);
  });
});

describe.skipIf(missing('qemu-img', 'strace'))('a target whose sync fails while an image is published', { timeout: TIMEOUT_MS }, () => {
  const failing = (path: string, when = ''): Surroundings => ({
    under: ['strace', '-f', '-qq', '-o', '/dev/null', '-P', path, '-e', 'trace=fsync', '-e', `inject=fsync:error=EIO${when}`],
  });

  test('of the image: no image, and the next copy goes on in another file', async () => {
    await using stage = await Stage.open({ format: 'raw' });
    const failed = await stage.copy({}, failing(`${stage.path}.partial.1`));
    expect(failed).toMatchObject({ kind: 'failed', code: 'target/unwritable' });
    expect(failed).toHaveProperty('message', `${stage.path}.partial.1: the medium reported an error while syncing it.`);
    expect(await stage.names()).toEqual(['disk.leaves', 'disk.partial.1.checkpoint', 'disk.partial.1.suspect']);
    const { ino } = await stat(`${stage.path}.partial.1.suspect`);
    const end = await stage.copy();
    expect(end).toMatchObject({ outcome: { resumedAt: 160 * MIB, dataRead: 0 } });
    await stage.expectWhole(end);
    expect((await stat(stage.path)).ino).not.toBe(ino);
  });

  test('of the leaf list: no image, and the next copy writes another list', async () => {
    await using stage = await Stage.open({ format: 'raw' });
    const failed = await stage.copy({}, failing(`${stage.path}.leaves.partial`));
    expect(failed).toMatchObject({ kind: 'failed', code: 'target/unwritable' });
    expect(stage.isPublished).toBe(false);
    await stage.expectWhole(await stage.copy());
  });

  // The list: before and behind its name. The image: before and behind its name.
  test.each([1, 2, 3, 4])('of the folder, for the time number %i: the copy is not said to be done, and the next one is', async (time) => {
    await using stage = await Stage.open({ format: 'raw' });
    const failed = await stage.copy({}, failing(stage.target, `:when=${time}`));
    expect(failed).toMatchObject({ kind: 'failed', code: 'target/unwritable' });
    expect(stage.isPublished).toBe(time === 4);
    await stage.expectWhole(await stage.copy());
  });
});

describe.skipIf(cannotMount() || missing('qemu-img'))('a target that is read-only', { timeout: TIMEOUT_MS }, () => {
  test('is refused, and earlier work is still there when it is writable again', async () => {
    await using stage = await Stage.open();
    using mount = Mount.tmpfs(stage.target, 400);
    mount.remount('ro');
    const refused = await stage.copy();
    expect(refused).toMatchObject({ kind: 'failed', code: 'target/read-only' });
    expect(refused).toHaveProperty('message', expect.stringMatching(/target\/disk.*read-only/));
    mount.remount('rw');
    await stage.killHalfway();
    const { leaves } = readSettled(stage.path);
    mount.remount('ro');
    for (const change of [{}, { restart: true }]) {
      const again = await stage.copy(change);
      expect(again).toMatchObject({ kind: 'failed', code: 'target/read-only' });
      expect(again).toHaveProperty('message', expect.stringMatching(/target\/disk.*read-only/));
    }
    mount.remount('rw');
    const end = await stage.copy();
    expect(end).toMatchObject({ outcome: { resumedAt: leaves * 4 * MIB } });
    await stage.expectWhole(end);
  });
});

describe.skipIf(missing('qemu-img'))('a target folder', { timeout: TIMEOUT_MS }, () => {
  test('that is removed in mid-copy is an error that names it; nothing is left, and the next copy works', async () => {
    await using stage = await Stage.open();
    await using copy = stage.start({ rateLimit: 60 * MIB });
    await copy.until((progress) => progress.settled >= 40 * MIB);
    await rm(stage.target, { recursive: true });
    const end = await copy.ended;
    expect(end).toMatchObject({ kind: 'failed', code: 'target/not-found' });
    expect(end).toHaveProperty('message', expect.stringContaining(stage.path));
    expect(existsSync(stage.target)).toBe(false);
    await mkdir(stage.target);
    await stage.expectWhole(await stage.copy());
  });

  test('takes one copy under one name at a time', async () => {
    await using stage = await Stage.open();
    await using first = stage.start({ rateLimit: 60 * MIB });
    await first.until((progress) => progress.stage === 'copying');
    const second = await stage.copy();
    expect(second).toMatchObject({ kind: 'failed', code: 'target/busy' });
    expect(second).toHaveProperty('message', expect.stringContaining(stage.path));
    await stage.expectWhole(await first.ended);
  });

  test('takes one of two copies that start at the same instant', async () => {
    await using stage = await Stage.open();
    await using first = stage.start({ rateLimit: 100 * MIB });
    await using second = stage.start({ rateLimit: 100 * MIB });
    const ends = (await Promise.all([first.ended, second.ended])).toSorted((a, b) => a.kind.localeCompare(b.kind));
    expect(ends).toMatchObject([{ kind: 'done' }, { kind: 'failed', code: 'target/busy' }]);
    for (const end of ends) if (end.kind === 'done') await stage.expectWhole(end);
  });
});

describe.skipIf(missing('qemu-img'))('a target that gives back other bytes than it was given', { timeout: TIMEOUT_MS }, () => {
  test.each([
    { what: 'content', settings: { format: 'raw' }, offset: 20 * MIB },
    { what: 'packed content', settings: { format: 'qcow2', compression: 'zstd' }, offset: 20 * MIB },
  ] as const)('in $what gives no image, and nothing to go on from', async ({ settings, offset }) => {
    await using stage = await Stage.open(settings);
    await using copy = stage.start({ rateLimit: 60 * MIB });
    await copy.until((progress) => progress.settled >= 80 * MIB);
    const [image] = (await stage.names()).filter((name) => /\.partial\.\d+$/.test(name));
    await using file = await open(`${stage.target}/${image}`, 'r+');
    await file.write(noise(1_000_000, 4096), 0, 4096, offset);
    const end = await copy.ended;
    expect(end).toMatchObject({ kind: 'failed', code: 'verify/mismatch' });
    expect(end).toHaveProperty('message', expect.stringContaining(stage.path));
    expect(await stage.names()).toEqual([]);
    await stage.expectWhole(await stage.copy());
  });
});

describe.skipIf(missing('qemu-img'))('a target that loses what it had confirmed', { timeout: TIMEOUT_MS }, () => {
  test('makes the next copy begin anew and say why', async () => {
    await using stage = await Stage.open({ format: 'vmdk', subformat: 'streamOptimized' });
    await stage.killHalfway();
    const [image] = (await stage.names()).filter((name) => /\.partial\.\d+$/.test(name));
    await truncate(`${stage.target}/${image}`, 4096);
    const end = await stage.copy();
    expect(end).toMatchObject({ outcome: { resumedAt: 0, restartReason: expect.stringContaining('is not the unfinished stream') } });
    await stage.expectWhole(end);
  });
});

describe.skipIf(missing('qemu-img', 'strace'))('a target that gives back a damaged header', { timeout: TIMEOUT_MS }, () => {
  test('gives no image, and nothing to go on from', async () => {
    await using stage = await Stage.open();
    // Held up where the page cache is dropped: all is written, nothing is read back.
    await using copy = stage.start(
      {},
      { under: ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fadvise64', '-e', 'inject=fadvise64:delay_enter=4s'] },
    );
    await copy.until((progress) => progress.stage === 'syncing');
    await setTimeout(2000);
    const [image] = (await stage.names()).filter((name) => /\.partial\.\d+$/.test(name));
    await using file = await open(`${stage.target}/${image}`, 'r+');
    await file.write(noise(1_000_000, 4096), 0, 4096, 0);
    const end = await copy.ended;
    expect(end).toMatchObject({ kind: 'failed', code: 'verify/mismatch' });
    expect(end).toHaveProperty('message', expect.stringContaining('came back from the target damaged'));
    expect(await stage.names()).toEqual([]);
    await stage.expectWhole(await stage.copy());
  });
});

describe.skipIf(missing('qemu-img', 'fiu-run'))('a target that cannot be read back', { timeout: TIMEOUT_MS }, () => {
  test('is named as such, and the copy is proven another time', async () => {
    await using stage = await Stage.open({ format: 'raw' });
    await using copy = stage.start({ verifyPercent: 100 });
    await copy.until((progress) => progress.stage === 'verifying');
    copy.signal('SIGKILL');
    await copy.ended;
    const { leaves } = readSettled(stage.path);
    const failed = await stage.copy({}, withFault('enable_random name=posix/io/rw/pread,probability=0.7,failinfo=5'));
    expect(failed).toMatchObject({ kind: 'failed', code: expect.stringMatching(/^(target|source)\/unreadable$/) });
    if (failed.kind === 'failed') expect(failed.message).toContain(failed.code.startsWith('target') ? stage.path : stage.source);
    const end = await stage.copy();
    expect(end).toMatchObject({ outcome: { resumedAt: Math.min(160, leaves * 4) * MIB } });
    await stage.expectWhole(end);
  });
});

/** Of the newest image that has not its name yet. */
async function inodeOfImage(stage: Stage): Promise<number> {
  const [name] = (await readdir(stage.target)).filter((entry) => /\.partial\.\d+(\.suspect)?$/.test(entry));
  if (name === undefined) throw new Error('There is no image in the making.');
  return (await stat(`${stage.target}/${name}`)).ino;
}
