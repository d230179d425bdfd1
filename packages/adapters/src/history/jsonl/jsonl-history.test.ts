import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HistoryEntry } from '@hypersdk/ports';
import { historyContract } from '@hypersdk/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { compact } from './compact.ts';
import { toLine } from './entry-lines.ts';
import { JsonlHistory } from './jsonl-history.ts';

const calm = { signal: new AbortController().signal };
const all = { ...calm, limit: 10_000 };

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function makePath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hypersdk-history-'));
  folders.push(folder);
  return join(folder, 'history.jsonl');
}

historyContract(async () => {
  const path = await makePath();
  return {
    history: await JsonlHistory.open(path, calm),
    reopen: () => JsonlHistory.open(path, calm),
    damage: async (id) => {
      const text = await readFile(path, 'utf8');
      await writeFile(path, text.replace(`"id":"${id}"`, '"id":'));
    },
  };
});

const entryOf = (number: number, state: HistoryEntry['state'] = 'running', padding = ''): HistoryEntry => ({
  id: `id-${String(number).padStart(6, '0')}`,
  command: 'export',
  state,
  startedAt: new Date(Date.UTC(2026, 0, 1) + number * 1000).toISOString(),
  source: `source${padding}`,
  target: 'target',
  resume: [],
});

describe('jsonl history', () => {
  test('a line that a crash cut short swallows neither its neighbour before nor the one after', async () => {
    const path = await makePath();
    const history = await JsonlHistory.open(path, calm);
    await history.record(entryOf(1), calm);
    const torn = toLine(entryOf(2));
    await appendFile(path, torn.subarray(0, torn.length - 20));
    await history.record(entryOf(3), calm);
    expect((await history.list(all)).map(({ id }) => id)).toEqual([entryOf(3).id, entryOf(1).id]);
  });

  test('a line with other fields than an entry has is left out', async () => {
    const path = await makePath();
    await writeFile(path, '[]\n1\nnull\n"text"\n{"id":7}\n{"id":"a","command":"export","state":"gone"}\n');
    const history = await JsonlHistory.open(path, calm);
    expect(await history.list(all)).toEqual([]);
  });

  test('the file stays bounded, and the newest entries stay', async () => {
    const path = await makePath();
    const history = await JsonlHistory.open(path, calm);
    const padding = 'x'.repeat(50_000);
    for (let number = 0; number < 60; number += 1) await history.record(entryOf(number, 'succeeded', padding), calm);
    expect((await stat(path)).size).toBeLessThan(2.1 * 1024 * 1024);
    const seen = await history.list(all);
    expect(seen.length).toBeGreaterThan(15);
    expect(seen.map(({ id }) => id)).toEqual(Array.from({ length: seen.length }, (_, index) => entryOf(59 - index).id));
    expect(await readdir(join(path, '..'))).toEqual(['history.jsonl']);
  });

  test('entries recorded while the file is compacted again and again are all kept', async () => {
    const path = await makePath();
    const history = await JsonlHistory.open(path, calm);
    const other = await JsonlHistory.open(path, calm);
    let isDone = false;
    const compacting = (async () => {
      while (!isDone) {
        await compact(path);
        await delay(1);
      }
    })();
    await history.record(entryOf(0), calm);
    await Promise.all(
      [0, 1, 2, 3].map(async (writer) => {
        for (let number = 1; number <= 15; number += 1) await (writer % 2 === 0 ? history : other).record(entryOf(writer * 1000 + number), calm);
      }),
    );
    isDone = true;
    await compacting;
    expect(await history.list(all)).toHaveLength(61);
  });

  test('a compaction that died after the new file had its name loses nothing', async () => {
    const path = await makePath();
    const history = await JsonlHistory.open(path, calm);
    // While the new file was made, run 2 ended in the old one; then run 1 was taken up again in the new one.
    await writeFile(`${path}.previous`, Buffer.concat([toLine(entryOf(1, 'failed')), toLine(entryOf(2)), toLine(entryOf(2, 'succeeded'))]));
    await writeFile(path, Buffer.concat([toLine(entryOf(1, 'failed'), 'kept'), toLine(entryOf(2), 'kept'), toLine(entryOf(3)), toLine(entryOf(1))]));
    const expected = [entryOf(3), entryOf(2, 'succeeded'), entryOf(1)];
    expect(await history.list(all)).toEqual(expected);
    await compact(path);
    expect(await history.list(all)).toEqual(expected);
    expect(await readdir(join(path, '..'))).toEqual(['history.jsonl']);
  });

  test('a line that is carried over late does not undo what was appended meanwhile', async () => {
    const path = await makePath();
    const history = await JsonlHistory.open(path, calm);
    await writeFile(path, Buffer.concat([toLine(entryOf(1), 'kept'), toLine(entryOf(1, 'succeeded')), toLine(entryOf(1, 'failed'), 'late')]));
    expect(await history.list(all)).toEqual([entryOf(1, 'succeeded')]);
    await appendFile(path, toLine(entryOf(1, 'cancelled')));
    expect(await history.list(all)).toEqual([entryOf(1, 'cancelled')]);
  });

  test('an entry too large for one write is refused', async () => {
    const history = await JsonlHistory.open(await makePath(), calm);
    await expect(history.record(entryOf(1, 'running', 'x'.repeat(70_000)), calm)).rejects.toMatchObject({ code: 'usage/invalid' });
  });
});
