// Feeds damaged input to everything that reads what comes from outside: node fuzz/run.ts [only=NAME,…] [runs=COUNT] [seed=NUMBER] [keep=yes] [show=unreached].
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { corpusFolder } from './engine/load-corpus.ts';
import { runReader } from './engine/run-reader.ts';
import type { Counts } from './engine/thread-messages.ts';
import { readers } from './readers/readers.ts';
import { recordResult } from './record-result.ts';

const LIST = new URL('readers/readers.ts', import.meta.url);
const FINDINGS_FOLDER = new URL('../.cache/fuzz/', import.meta.url);
/** What may be held more than before; the pool of inputs is part of it. */
const GROWTH_MAX = 128 * 1024 * 1024;
const COUNT_DEFAULT = 100_000;
const EXECUTIONS_PER_LINE = 50_000;

const wishes = new Map(process.argv.slice(2).map((word) => [word.split('=')[0], word.split('=')[1]]));
const names = wishes.get('only')?.split(',') ?? Object.keys(readers);
const executions = Number(wishes.get('runs') ?? COUNT_DEFAULT);
const seed = Number(wishes.get('seed') ?? Date.now() % 2 ** 31);
const keepsCorpus = wishes.get('keep') === 'yes';

for (const name of names) if (!(await fuzz(name))) process.exitCode = 1;

/** Whether nothing was found. */
async function fuzz(name: string): Promise<boolean> {
  const result = await runReader({
    list: LIST,
    name,
    executions,
    seed,
    found: ({ bytes, why }) => keepFinding(name, bytes, why),
    progressed: (counts) => void (counts.executions % EXECUTIONS_PER_LINE === 0 && console.log(describe(name, counts))),
  });
  if (!result) return false;
  const { growth, kept } = result;
  console.log(`${describe(name, result)}, memory grew ${(growth / 1024 ** 2).toFixed(1)} MiB`);
  if (wishes.get('show') === 'unreached') console.log(result.unreached.join('\n'));
  if (keepsCorpus) {
    keepCorpus(name, kept);
    recordResult(name, result);
  }
  return result.findings === 0 && growth <= GROWTH_MAX;
}

function describe(name: string, { executions: count, read, refused, findings, slowestMs, cpuMs, reached, total, pool }: Counts): string {
  const rate = Math.round(count / (cpuMs / 1000));
  return `${name}: ${count} executions (seed ${seed}, ${rate}/s), ${read} read, ${refused} refused, ${reached} of ${total} branches, ${pool} inputs, slowest ${slowestMs.toFixed(0)} ms, ${findings} findings`;
}

function keepFinding(name: string, bytes: Uint8Array, why: string): void {
  mkdirSync(FINDINGS_FOLDER, { recursive: true });
  const file = new URL(`${name}-${digestOf(bytes)}`, FINDINGS_FOLDER);
  writeFileSync(file, bytes);
  console.error(`${name}: ${why}\nKept as ${file.pathname}`);
}

/** Replaces what was kept before, but for seeds and defects, which have names. */
function keepCorpus(name: string, kept: readonly Uint8Array[]): void {
  const folder = corpusFolder(name);
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (/^[0-9a-f]{12}$/.test(file)) rmSync(new URL(file, folder));
  for (const bytes of kept) writeFileSync(new URL(digestOf(bytes), folder), bytes);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 12);
}
