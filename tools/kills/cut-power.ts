// Cuts the power under copies at random instants and says what came of it, as root: make cuts CUTS=300
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeNoiseDisk } from '../../e2e/durability/noise-disk.ts';
import { describeSettings, LAYOUTS } from '../../e2e/durability/orders.ts';
import { PowerCuts } from '../../e2e/durability/power-cuts.ts';

/** 160 MiB with 110 MiB of data: one window of a checkpoint, and most of another. */
const CHUNKS = 40;
const CUTS_PER_REPORT = 20;

let wanted = Number(process.argv[2] ?? 50);
if (!Number.isSafeInteger(wanted) || wanted < 1) throw new Error('Say how many cuts: node tools/kills/cut-power.ts 300');
// Stopped by hand, it ends after the cut at hand and tidies up.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (wanted = 0));

const folder = await mkdtemp(join(tmpdir(), 'cut-power-'));
const tally = { cuts: 0, published: 0, resumed: 0, fromTheBeginning: 0, wrong: 0 };
try {
  await makeNoiseDisk(join(folder, 'source'), CHUNKS);
  const cuts = new PowerCuts({ source: join(folder, 'source'), folder });
  while (tally.cuts < wanted) await cutOnce(cuts);
} finally {
  await rm(folder, { recursive: true, force: true });
}
say();
process.exitCode = tally.wrong === 0 ? 0 : 1;

async function cutOnce(cuts: PowerCuts): Promise<void> {
  const settings = LAYOUTS[tally.cuts % LAYOUTS.length] ?? { format: 'raw' };
  const { wasPublished, resumedAt, wrong } = await cuts.cut(settings);
  tally.cuts += 1;
  if (wasPublished) tally.published += 1;
  else if (resumedAt > 0) tally.resumed += 1;
  else tally.fromTheBeginning += 1;
  if (wrong.length > 0) tally.wrong += 1;
  for (const what of wrong) console.log(`WRONG: ${describeSettings(settings)}: ${what}`);
  if (tally.cuts % CUTS_PER_REPORT === 0) say();
}

function say(): void {
  const { cuts, published, resumed, fromTheBeginning, wrong } = tally;
  console.log(
    `${cuts} cuts: ${published} images had their name and were whole, ${resumed} went on from a checkpoint, ${fromTheBeginning} began anew, ${wrong} wrong`,
  );
}
