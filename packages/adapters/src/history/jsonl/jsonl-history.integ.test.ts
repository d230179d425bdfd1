import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { JsonlHistory } from './jsonl-history.ts';

const run = promisify(execFile);
const here = (file: string): string => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
const calm = { signal: new AbortController().signal };

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hypersdk-history-'));
});
afterAll(() => rm(folder, { recursive: true }));

const PROCESSES = 4;
const ENTRIES = 60;

/** Records its entries, each twice, and compacts after every tenth. */
const script = `
  import { JsonlHistory } from ${here('jsonl-history.ts')};
  import { compact } from ${here('compact.ts')};
  const [path, name] = process.argv.slice(1);
  const signal = AbortSignal.timeout(60_000);
  const history = await JsonlHistory.open(path, { signal });
  for (let number = 0; number < ${ENTRIES}; number += 1) {
    const entry = { id: name + '-' + number, command: 'export', state: 'running', startedAt: new Date().toISOString(), source: 's', target: 't', resume: [] };
    await history.record(entry, { signal });
    await history.record({ ...entry, state: 'succeeded' }, { signal });
    if (number % 10 === 9) await compact(path);
  }
`;

test('several processes record and compact at once, and every entry is there with its last state', { timeout: 60_000 }, async () => {
  const path = join(folder, 'history.jsonl');
  const processes = Array.from({ length: PROCESSES }, (_, index) => run(process.execPath, ['--input-type=module', '-e', script, path, `p${index}`]));
  await Promise.all(processes);
  const history = await JsonlHistory.open(path, calm);
  const entries = await history.list({ ...calm, limit: 1000 });
  expect(entries).toHaveLength(PROCESSES * ENTRIES);
  expect(entries.filter(({ state }) => state !== 'succeeded')).toEqual([]);
  expect(await readdir(folder)).toEqual(['history.jsonl']);
});
