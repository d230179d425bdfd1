// Feeds damaged images to the readers: node fuzz/run.ts [executions] [seed]. What breaks is written to .cache/fuzz and named.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpuUsage, memoryUsage } from 'node:process';
import { damageSeed } from './damage-seed.ts';
import { Random } from './random.ts';
import { readAll } from './read-all.ts';
import { makeSeeds, pickSeed, type Seed } from './seeds.ts';

const FINDINGS_FOLDER = new URL('../.cache/fuzz/', import.meta.url);
/** CPU time of one execution; more is a hang in the making. */
const EXECUTION_MAX_MS = 500;
const GROWTH_MAX = 128 * 1024 * 1024;

const executions = Number(process.argv[2] ?? 100_000);
const firstSeed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const seeds = await makeSeeds();
const tally = { read: 0, refused: 0, findings: 0, slowestMs: 0 };
for (const seed of [...seeds.sound, ...seeds.hostile]) execute(seed, { bytes: seed.bytes, number: 0 });
const before = memoryUsage().rss;

for (let number = 0; number < executions; number += 1) {
  const random = new Random(firstSeed + number);
  const seed = pickSeed(seeds, random);
  if (seed) execute(seed, { bytes: damageSeed(seed, random), number: firstSeed + number });
}

const growth = memoryUsage().rss - before;
console.log(
  `${executions} executions from ${seeds.sound.length + seeds.hostile.length} seeds (first seed ${firstSeed}): ${tally.read} read, ${tally.refused} refused, slowest ${tally.slowestMs.toFixed(0)} ms CPU, memory grew ${(growth / 1024 ** 2).toFixed(0)} MiB, ${tally.findings} findings.`,
);
if (tally.findings > 0 || growth > GROWTH_MAX) process.exitCode = 1;

function execute(seed: Seed, input: { readonly bytes: Uint8Array; readonly number: number }): void {
  const started = cpuUsage();
  try {
    tally[readAll(seed, input.bytes)] += 1;
  } catch (error) {
    keep(seed.format, input, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const used = cpuUsage(started);
  const ms = (used.user + used.system) / 1000;
  tally.slowestMs = Math.max(tally.slowestMs, ms);
  if (ms > EXECUTION_MAX_MS) keep(seed.format, input, `took ${ms} ms`);
}

function keep(format: string, { bytes, number }: { readonly bytes: Uint8Array; readonly number: number }, why: string): void {
  tally.findings += 1;
  mkdirSync(FINDINGS_FOLDER, { recursive: true });
  const file = new URL(`${format}-${number}`, FINDINGS_FOLDER);
  writeFileSync(file, bytes);
  console.error(`${format} seed ${number}: ${why}\nKept as ${file.pathname}`);
}
