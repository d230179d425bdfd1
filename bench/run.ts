// Measures the product against other programs and writes bench/RESULTS.md.
// Run: node bench/run.ts [CASE…] [--rounds N] [--cache FOLDER]; a CASE is an id or the beginning of some, all by default. Earlier results of other cases are kept.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { missing } from '@hypersdk/testkit';
import { allCases } from './cases/all-cases.ts';
import type { BenchCase } from './harness/bench-case.ts';
import { bundlePrograms } from './harness/bundle.ts';
import { openHypervisorPlace } from './harness/hypervisor-place.ts';
import { judge } from './harness/judge.ts';
import { describeCommit, describeMachine } from './harness/machine.ts';
import { openReflinkPlace } from './harness/reflink-place.ts';
import { renderReport, type CaseRecord } from './harness/report.ts';
import { runCase } from './harness/run-case.ts';
import { openWebPlace } from './harness/web-place.ts';
import { openImages } from './images/bench-images.ts';

/** Fewer say nothing on a machine with neighbours. */
const ROUNDS_MIN = 5;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '7' }, cache: { type: 'string', default: join(tmpdir(), 'hypersdk-bench') } },
});
const rounds = Math.max(ROUNDS_MIN, Number(values.rounds));
await bundlePrograms();
const images = openImages(values.cache);
const recordsFolder = join(values.cache, 'records');
mkdirSync(recordsFolder, { recursive: true });

const chosen = allCases.filter(({ id }) => positionals.length === 0 || positionals.some((prefix) => id === prefix || id.startsWith(`${prefix}-`)));
if (chosen.length === 0) throw new Error(`No case is named ${positionals.join(' or ')}; there are ${allCases.map(({ id }) => id).join(', ')}.`);
for (const bench of chosen) {
  console.error(`${bench.id}: ${bench.title}`);
  const record = await measureCase(bench);
  writeFileSync(join(recordsFolder, `${bench.id}.json`), JSON.stringify(record));
  if ('skipped' in record) console.error(`  not measured: ${record.skipped}`);
  else
    for (const { goal, peer, ratio, met } of judge(bench, record.result))
      console.error(`  ${goal.ours} / ${peer} ${goal.measure}: ${ratio.toFixed(3)} (at most ${goal.atMost}) ${met ? 'met' : 'missed'}`);
}
writeFileSync(new URL('RESULTS.md', import.meta.url), renderReport(allCases, readRecords(), describeMachine(values.cache)));

async function measureCase(bench: BenchCase): Promise<CaseRecord> {
  const absent = ['time', ...bench.needs].filter((program) => missing(program));
  if (absent.length > 0) return { id: bench.id, skipped: `not installed: ${absent.join(', ')}` };
  if (bench.place === 'web') {
    await using web = await openWebPlace(images, bench.image);
    return { ...stamp(bench), result: runCase(bench, { images, folder: values.cache, rounds, web }) };
  }
  if (bench.place === 'hypervisor') {
    await using hypervisor = await openHypervisorPlace(images, bench.image);
    return { ...stamp(bench), result: runCase(bench, { images, folder: values.cache, rounds, hypervisor }) };
  }
  if (bench.place !== 'reflink') return { ...stamp(bench), result: runCase(bench, { images, folder: values.cache, rounds }) };
  const place = openReflinkPlace(images, [bench.image]);
  if ('why' in place) return { id: bench.id, skipped: `no file system that shares blocks could be mounted: ${place.why}` };
  using mounted = place;
  return { ...stamp(bench), result: runCase(bench, { images: mounted.images, folder: mounted.folder, rounds }) };
}

function stamp({ id }: BenchCase): { readonly id: string; readonly date: string; readonly commit: string } {
  return { id, date: new Date().toISOString(), commit: describeCommit() };
}

function readRecords(): ReadonlyMap<string, CaseRecord> {
  const known = new Set(allCases.map(({ id }) => `${id}.json`));
  const records = new Map<string, CaseRecord>();
  for (const name of readdirSync(recordsFolder)) {
    if (!known.has(name)) {
      rmSync(join(recordsFolder, name));
      continue;
    }
    // Written by this program.
    const record = JSON.parse(readFileSync(join(recordsFolder, name), 'utf8')) as CaseRecord;
    records.set(record.id, record);
  }
  return records;
}
