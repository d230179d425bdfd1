import { describe, expect, test } from 'vitest';
import { judge } from './engine/judge.ts';
import { loadCorpus } from './engine/load-corpus.ts';
import { makeInput, pickOrigin, toEntry, type Entry } from './engine/pool.ts';
import { readers } from './readers/readers.ts';

/** `make fuzz` does a million; this many notice what a change breaks at once. */
const EXECUTIONS = 500;
const TIMEOUT_MS = 60_000;
const MESSAGE = 'read, or refused in words';

describe.each(Object.keys(readers))('%s', { timeout: TIMEOUT_MS }, (name) => {
  test(`seeds, the corpus and ${EXECUTIONS} damaged copies of them are ${MESSAGE}`, async () => {
    const reader = await readers[name]?.load();
    if (!reader) throw new Error('It is not in the list.');
    const pool: Entry[] = [];
    for (const sample of [...(await reader.seeds()), ...loadCorpus(name)]) {
      await judge(reader, sample);
      pool.push(await toEntry(reader, sample));
    }
    expect(pool.length).toBeGreaterThan(0);
    for (let seed = 1; seed <= EXECUTIONS; seed += 1) await judge(reader, makeInput(reader, pool, pickOrigin(pool, seed)));
  });
});
