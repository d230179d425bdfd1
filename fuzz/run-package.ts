// Feeds damaged archives, descriptors, manifests and certificates to their readers: node fuzz/run-package.ts [executions] [seed].
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpuUsage, memoryUsage } from 'node:process';
import { damagePackage, packageSeeds } from './package-seeds.ts';
import { Random } from './random.ts';
import { readPackage } from './read-package.ts';

const FINDINGS_FOLDER = new URL('../.cache/fuzz/', import.meta.url);
/** CPU time of one execution; more is a hang in the making. */
const EXECUTION_MAX_MS = 500;
const GROWTH_MAX = 128 * 1024 * 1024;

const executions = Number(process.argv[2] ?? 100_000);
const firstSeed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const tally = { read: 0, refused: 0, findings: 0, slowestMs: 0 };
const before = memoryUsage().rss;
for (let number = firstSeed; number < firstSeed + executions; number += 1) {
  const random = new Random(number);
  const seed = random.pick(packageSeeds);
  const bytes = damagePackage(seed, random);
  const started = cpuUsage();
  try {
    tally[readPackage(seed.part, bytes)] += 1;
  } catch (error) {
    keep(seed.part, { bytes, number, why: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  const used = cpuUsage(started);
  const ms = (used.user + used.system) / 1000;
  tally.slowestMs = Math.max(tally.slowestMs, ms);
  if (ms > EXECUTION_MAX_MS) keep(seed.part, { bytes, number, why: `took ${ms} ms` });
}

const growth = memoryUsage().rss - before;
console.log(
  `${executions} executions (first seed ${firstSeed}): ${tally.read} read, ${tally.refused} refused, slowest ${tally.slowestMs.toFixed(0)} ms CPU, memory grew ${(growth / 1024 ** 2).toFixed(0)} MiB, ${tally.findings} findings.`,
);
if (tally.findings > 0 || growth > GROWTH_MAX) process.exitCode = 1;

function keep(part: string, { bytes, number, why }: { readonly bytes: Uint8Array; readonly number: number; readonly why: string }): void {
  tally.findings += 1;
  mkdirSync(FINDINGS_FOLDER, { recursive: true });
  const file = new URL(`${part}-${number}`, FINDINGS_FOLDER);
  writeFileSync(file, bytes);
  console.error(`${part} seed ${number}: ${why}\nKept as ${file.pathname}`);
}
