import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CheckpointFile, readCheckpoint, settledLeaves, type CopyIdentity } from './checkpoint-file.ts';

const IDENTITY: CopyIdentity = { sourceMark: 'files:1', virtualSize: 1 << 30, format: 'qcow2', plan: '{}', digest: 'tree' };
const OWNER = { bootId: 'boot', networkNamespace: 'net:[1]', pid: 1 };
const digest = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

describe('a checkpoint file', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'checkpoint-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function written(): string {
    const path = join(folder, 'x.checkpoint');
    using file = CheckpointFile.create(path, IDENTITY, OWNER);
    file.append({
      mark: { end: 100, leaves: 3 },
      entries: [
        { leaf: 0, digest: digest(1) },
        { leaf: 2, digest: digest(2) },
      ],
    });
    file.append({ mark: { end: 200, leaves: 6, tables: 4 }, entries: [{ leaf: 5, digest: digest(3) }] });
    file.sync();
    return path;
  }

  test('says what was copied, by whom, how far, and the digests of the last window', () => {
    const state = readCheckpoint(written());
    expect(state).toMatchObject({ identity: IDENTITY, owner: OWNER, mark: { end: 200, leaves: 6, tables: 4 } });
    expect(state.lastWindow.map((entry) => entry.leaf)).toEqual([5]);
  });

  test('streams all settled leaves in rising order', () => {
    expect([...settledLeaves(written())].map(({ leaf, digest: bytes }) => [leaf, bytes[0]])).toEqual([
      [0, 1],
      [2, 2],
      [5, 3],
    ]);
  });

  test('cut at any byte, it tells an earlier whole state or says that it has no beginning', () => {
    const whole = written();
    const size = readFileSync(whole).length;
    const ends = new Set<number | undefined>();
    for (let cut = 0; cut < size; cut += 1) {
      const torn = join(folder, 'torn');
      copyFileSync(whole, torn);
      truncateSync(torn, cut);
      try {
        const state = readCheckpoint(torn);
        expect(state.identity).toEqual(IDENTITY);
        expect(state.validSize).toBeLessThanOrEqual(cut);
        ends.add(state.mark?.end);
      } catch (error) {
        expect(error).toMatchObject({ code: 'checkpoint/malformed' });
      }
    }
    expect(ends).toEqual(new Set([undefined, 100]));
  });

  test('a flipped bit ends it before the damaged record', () => {
    const path = written();
    const bytes = readFileSync(path);
    bytes.set([(bytes.at(-3) ?? 0) ^ 1], bytes.length - 3);
    writeFileSync(path, bytes);
    expect(readCheckpoint(path).mark?.end).toBe(100);
  });

  test('goes on behind the last mark, and the new owner is the one that counts', () => {
    const path = written();
    appendFileSync(path, 'half a record');
    const owner = { ...OWNER, pid: 2 };
    {
      using file = CheckpointFile.continue(path, readCheckpoint(path), owner);
      file.append({ mark: { end: 300, leaves: 9 }, entries: [] });
    }
    expect(readCheckpoint(path)).toMatchObject({ owner, mark: { end: 300, leaves: 9 } });
    expect([...settledLeaves(path)]).toHaveLength(3);
  });

  test('is never written into a file that exists', () => {
    const path = written();
    expect(() => CheckpointFile.create(path, IDENTITY, OWNER)).toThrow(expect.objectContaining({ code: 'target/exists' }));
  });
});
