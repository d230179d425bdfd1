// Looks at damaged guest disks: node fuzz/run-guest.ts [executions] [seed]. What breaks is named by its seed, from which it is made again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuUsage, memoryUsage } from 'node:process';
import { makeGuestSeeds } from './guest-seeds.ts';
import { lookAtDamaged } from './look-at-damaged.ts';
import { Random } from './random.ts';

/** CPU time of one look; more is a hang in the making. */
const LOOK_MAX_MS = 500;
const GROWTH_MAX = 128 * 1024 * 1024;

const executions = Number(process.argv[2] ?? 10_000);
const firstSeed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const folder = mkdtempSync(join(tmpdir(), 'fuzz-guest-'));
const tally = { whole: 0, broken: 0, findings: 0, slowestMs: 0 };
try {
  const seeds = await makeGuestSeeds(folder);
  const before = memoryUsage().rss;
  for (let number = firstSeed; number < firstSeed + executions; number += 1) {
    const random = new Random(number);
    const seed = seeds[random.below(seeds.length)];
    if (!seed) break;
    const started = cpuUsage();
    try {
      tally[await lookAtDamaged(seed, random)] += 1;
    } catch (error) {
      tally.findings += 1;
      console.error(`${seed.name} seed ${number}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    const used = cpuUsage(started);
    const ms = (used.user + used.system) / 1000;
    tally.slowestMs = Math.max(tally.slowestMs, ms);
    if (ms > LOOK_MAX_MS) console.error(`${seed.name} seed ${number} took ${ms.toFixed(0)} ms`);
    if (ms > LOOK_MAX_MS) tally.findings += 1;
  }
  const growth = memoryUsage().rss - before;
  console.log(
    `${executions} looks at ${seeds.length} disks (first seed ${firstSeed}): ${tally.whole} without a finding, ${tally.broken} with, slowest ${tally.slowestMs.toFixed(0)} ms CPU, memory grew ${(growth / 1024 ** 2).toFixed(0)} MiB, ${tally.findings} findings.`,
  );
  if (tally.findings > 0 || growth > GROWTH_MAX) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
