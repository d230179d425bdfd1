import { spawnSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { missing } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { LAUNCHER } from '../hyperexport/program.ts';
import { CHUNK_SIZE } from './noise-disk.ts';
import { LAYOUTS } from './orders.ts';
import { Stage } from './stage.ts';
import { readTrace, traceTo, type SystemCall } from './system-calls.ts';

const TIMEOUT_MS = 180_000;

/** A trace of calls that succeeded, and questions about their order. */
class Story {
  readonly #calls: readonly SystemCall[];

  constructor(calls: readonly SystemCall[]) {
    this.#calls = calls.filter((call) => !call.failed);
  }

  /** Places in the story of the named calls on a file whose path ends like this. */
  all(names: readonly string[], file: RegExp): readonly number[] {
    return this.#calls.flatMap(({ name, paths }, at) => (names.includes(name) && paths.some((path) => file.test(path)) ? [at] : []));
  }

  first = (names: readonly string[], file: RegExp): number => this.all(names, file)[0] ?? Number.NaN;
  last = (names: readonly string[], file: RegExp): number => this.all(names, file).at(-1) ?? Number.NaN;

  /** Where a file got this name: its last path is the name given. */
  named(file: RegExp): number {
    return this.#calls.findIndex(({ name, paths }) => NAMING.includes(name) && file.test(paths.at(-1) ?? ''));
  }

  at = (place: number): SystemCall | undefined => this.#calls[place];

  /** The calls between two places. */
  between = (start: number, end: number): readonly SystemCall[] => this.#calls.slice(start + 1, end);
  get length(): number {
    return this.#calls.length;
  }
}

const WRITING = ['pwrite64', 'pwritev', 'ftruncate'];
const NAMING = ['rename', 'renameat', 'renameat2', 'link', 'linkat'];
const REMOVING = ['unlink', 'unlinkat'];
const IMAGE = /\/disk\.partial\.\d+$/;
const CHECKPOINT = /\/disk\.partial\.\d+\.checkpoint$/;
const FOLDER = /\/target$/;

describe.skipIf(missing('strace', 'qemu-img'))('the order of system calls of a copy', { timeout: TIMEOUT_MS }, () => {
  test.each(LAYOUTS)('to %o: written, synced, read back, named, in this order and no other', async (settings) => {
    await using stage = await Stage.open(settings);
    const trace = join(stage.folder, 'trace');
    await stage.expectWhole(await stage.copy({}, { under: traceTo(trace) }));
    const story = new Story(readTrace(trace));
    const named = story.named(/\/disk$/);
    const listed = story.named(/\/disk\.leaves$/);
    expect(named).toBeGreaterThan(0);

    // A record never speaks of bytes that are not on the medium: between two records there is a sync of the image after all its writes, and one of the checkpoint behind each.
    const records = story.all(['pwrite64'], CHECKPOINT).slice(FIRST_RECORDS);
    expect(records.length).toBeGreaterThan(1);
    let before = 0;
    for (const record of records) {
      const synced = story.between(before, record).findLast((call) => call.name === 'fdatasync');
      expect(synced?.paths[0]).toMatch(IMAGE);
      before = record;
    }
    for (const [at, record] of records.entries()) {
      const next = story.between(record, records[at + 1] ?? story.length);
      expect(next.some((call) => call.name === 'fdatasync' && CHECKPOINT.test(call.paths[0] ?? ''))).toBe(true);
    }

    // What a record calls settled was written before the sync in front of it began. Where data lies in place, its offset tells whether it is.
    if (settings.format === 'raw') {
      const writes = story.all(['pwrite64'], IMAGE).map((place) => story.at(place));
      for (const record of records) {
        const settled = Number(/\\"leaves\\":(\d+)/.exec(story.at(record)?.text ?? '')?.[1]) * CHUNK_SIZE;
        const sync = story.between(0, record).findLast((call) => call.name === 'fdatasync' && IMAGE.test(call.paths[0] ?? ''));
        const before = writes.filter((call) => Number(/(\d+)$/.exec(call?.text ?? '')?.[1]) < settled);
        expect(before.length).toBeGreaterThan(0);
        for (const write of before) expect(write?.endedAt).toBeLessThan(sync?.begunAt ?? 0);
      }
    }

    // All is written before the last sync of the image, and the file is read back before it has a name.
    const synced = story.last(['fsync'], IMAGE);
    expect(story.last(WRITING, IMAGE)).toBeLessThan(synced);
    const readBack = story.all(['pread64'], IMAGE).filter((at) => at > story.last(WRITING, IMAGE));
    expect(readBack.length).toBeGreaterThan(1);
    expect(Math.max(...readBack)).toBeLessThan(named);

    // The leaf list first, then the image; each is synced, named, and the name is synced.
    for (const [file, place] of [
      [/\/disk\.leaves\.partial$/, listed],
      [IMAGE, named],
    ] as const) {
      expect(story.between(story.last(['fsync'], file), place).some((call) => call.name === 'fsync' && FOLDER.test(call.paths[0] ?? ''))).toBe(true);
      const after = story.between(place, story.length).find((call) => call.name !== 'pread64');
      expect(after?.name).toBe('fsync');
      expect(after?.paths[0]).toMatch(FOLDER);
    }
    expect(listed).toBeLessThan(synced);
    expect(synced).toBeLessThan(named);
    // Nobody's file is replaced: the name is given by a call that refuses that.
    expect(story.between(named - 1, named + 1)[0]?.text).toMatch(/RENAME_NOREPLACE|^"/);
    expect(story.all(['renameat2', 'link', 'linkat'], /\/disk$/)).toEqual([named]);
    // The checkpoint goes last.
    const removed = story.first(REMOVING, CHECKPOINT);
    expect(removed).toBeGreaterThan(named + 1);
    expect(story.between(removed, story.length).filter((call) => call.paths.some((path) => path.startsWith(stage.target)))).toEqual([]);
  });
});

describe.skipIf(missing('strace'))('the order of system calls of an export', { timeout: TIMEOUT_MS }, () => {
  test('names the manifest last of all, when everything it speaks of is on the medium', async () => {
    await using stage = await Stage.open();
    const trace = join(stage.folder, 'trace');
    const [tracer = '', ...args] = traceTo(trace);
    await mkdir(stage.target, { recursive: true });
    const env = {
      PATH: process.env['PATH'],
      HOME: stage.folder,
      XDG_CACHE_HOME: join(stage.folder, 'cache'),
      HYPERSDK_STATE: join(stage.folder, 'state'),
    };
    const command = [...args, process.execPath, LAUNCHER, 'export', stage.source, '--to', stage.target, '--json', '--quiet'];
    const ended = spawnSync(tracer, command, { env, encoding: 'utf8' });
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    const story = new Story(readTrace(trace));
    const inTarget = new RegExp(`^${RegExp.escape(stage.target)}/`);
    const manifest = story.named(/\/export-manifest\.json$/);
    expect(manifest).toBeGreaterThan(0);
    for (const name of [/\.qcow2$/, /\.leaves$/, /receipt[^/]*\.json$/, /artifact-manifest\.json$/]) {
      const place = story.named(name);
      expect(place, `${name}`).toBeGreaterThan(0);
      expect(place, `${name}`).toBeLessThan(manifest);
      // Its name was synced before the manifest got its own.
      expect(
        story.between(place, manifest).some((call) => call.name === 'fsync' && inTarget.test(call.paths[0] ?? '')),
        `${name}`,
      ).toBe(true);
    }
    // The manifest was synced before it was named, and its name after.
    expect(story.between(0, manifest).findLast((call) => WRITING.includes(call.name) || call.name === 'fsync')?.name).toBe('fsync');
    const after = story.between(manifest, story.length).filter((call) => call.paths.some((path) => inTarget.test(path)));
    expect(after.map((call) => call.name)).toContain('fsync');
    expect(after.filter((call) => [...WRITING, ...NAMING].includes(call.name))).toEqual([]);
  });
});

/** The signature, who is copying what, and who writes: before anything is settled. */
const FIRST_RECORDS = 3;
