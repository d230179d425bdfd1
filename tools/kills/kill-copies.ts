// Kills copies at random instants until each is done, over and over, and says what came of it: make kills KILLS=1000
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addTallies, KillLoop, NO_KILLS, type KillTally } from '../../e2e/durability/kill-loop.ts';
import { makeNoiseDisk } from '../../e2e/durability/noise-disk.ts';
import { describeSettings, LAYOUTS } from '../../e2e/durability/orders.ts';

/** 384 MiB with 264 MiB of data: four windows of a checkpoint. */
const CHUNKS = 96;
/** Kills of one layout before the next has its turn, so that a run that is cut short has seen them all. */
const KILLS_PER_TURN = 20;
const MIB = 1024 * 1024;

let wanted = Number(process.argv[2] ?? 100);
if (!Number.isSafeInteger(wanted) || wanted < 1) throw new Error('Say how many kills: node tools/kills/kill-copies.ts 1000');
// Stopped by hand, it ends after the copy at hand and tidies up.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (wanted = 0));

const folder = await mkdtemp(join(tmpdir(), 'kill-copies-'));
try {
  const source = join(folder, 'source');
  await makeNoiseDisk(source, CHUNKS);
  const total = await killAll(source);
  process.exitCode = total.wrong.length === 0 ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function killAll(source: string): Promise<KillTally> {
  let total = NO_KILLS;
  const loops = new Map<string, KillLoop>();
  for (let turn = 0; total.kills < wanted; turn += 1) {
    const settings = LAYOUTS[turn % LAYOUTS.length];
    if (!settings) break;
    const name = describeSettings(settings);
    const loop =
      loops.get(name) ?? (await KillLoop.open({ source, chunks: CHUNKS, settings, folder: join(folder, name), cache: join(folder, 'cache') }));
    loops.set(name, loop);
    const tally = await loop.run(Math.min(KILLS_PER_TURN, wanted - total.kills));
    total = addTallies(total, tally);
    console.log(`${name}: ${describe(tally)}`);
  }
  console.log(`all: ${describe(total)}`);
  for (const wrong of total.wrong) console.log(`WRONG: ${wrong}`);
  return total;
}

function describe(tally: KillTally): string {
  const mib = (size: number): string => `${(size / MIB).toFixed(1)} MiB`;
  return [
    `${tally.kills} kills, ${tally.resumes} with work to go on from, ${tally.published} after publishing, ${tally.copies} copies brought to their end`,
    `at most ${mib(tally.lostMax)} read in vain and ${mib(tally.comparedMax)} compared again`,
    `${tally.wrong.length} wrong`,
  ].join('; ');
}
