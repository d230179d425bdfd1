// A process of its own: tries every hostile file named in a list, and prints what happened and what it cost.
//   node --expose-gc try-hostiles.ts CASES.json TARGET-FOLDER
import { accessSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HyperError, KIB, type ImageRef } from '@hypersdk/domain';
import { imageInspector, openTransfer } from '@hypersdk/disk';
import type { Transfer } from '@hypersdk/ports';
import { editVdi } from '../../../packages/disk/src/format/vdi/edit-vdi.ts';
import { editVhd } from '../../../packages/disk/src/format/vhd/edit-vhd.ts';
import { editVhdx } from '../../../packages/disk/src/format/vhdx/edit-vhdx.ts';
import { Qcow2Claim } from './qcow2-claim.ts';
import type { Answer, HostileCase, Trial } from './hostile-case.ts';
import { claimVmdk } from './vmdk-claim.ts';

const DEAR_MS = 40;
const AGAIN_MAX = 3;

const [casesPath = '', targets = ''] = process.argv.slice(2);
const cases: readonly HostileCase[] = JSON.parse(readFileSync(casesPath, 'utf8'));
const { signal } = new AbortController();

await using engine = openTransfer({ workers: 1 });
// Code that runs for the first time is loaded and compiled: that is a cost of the process, not of a file.
await warmUp();
const trials: Trial[] = [];
for (const [at, hostile] of cases.entries()) {
  mark(`begin-${at}`);
  trials.push(await tryCalmly(hostile));
  mark(`end-${at}`);
}
process.stdout.write(JSON.stringify(trials));

/** Neighbours on the machine make a measure larger, never smaller: what seems dear is measured again. */
async function tryCalmly(hostile: HostileCase): Promise<Trial> {
  let trial = await tryOne(hostile);
  for (let again = 0; again < AGAIN_MAX && Math.max(trial.inspectMs, trial.copyMs) > DEAR_MS; again += 1) trial = await tryOne(hostile);
  return trial;
}

async function tryOne({ name, path, format, references }: HostileCase): Promise<Trial> {
  globalThis.gc?.();
  const image: ImageRef = { path, format, references };
  const before = startPeak();
  const referred = await answerOf(() => imageInspector.refer(path, { signal, format, references }));
  const inspectStart = process.threadCpuUsage();
  const inspected = await answerOf(() => imageInspector.inspect(image, { signal }));
  const inspectMs = milliseconds(process.threadCpuUsage(inspectStart));
  const copyStart = process.cpuUsage();
  const copied = await answerOf(() => copy(engine, image));
  const copyMs = milliseconds(process.cpuUsage(copyStart));
  const extraBytes = peak() - before;
  return { name, referred, inspected, copied, inspectMs, copyMs, extraBytes, left: readdirSync(targets) };
}

async function copy(transfer: Transfer, image: ImageRef): Promise<unknown> {
  const sourceMark = await imageInspector.mark(image, { signal }).catch(() => 'none');
  const path = join(targets, 'copy.raw');
  return transfer.copy(
    {
      source: { kind: 'image', image },
      sourceMark,
      path,
      settings: { format: 'raw' },
      digest: 'none',
      durability: 'none',
      verifyPercent: 100,
      overwrite: true,
      restart: true,
    },
    { signal },
  );
}

async function answerOf(open: () => Promise<unknown>): Promise<Answer> {
  try {
    await open();
    return 'accepted';
  } catch (error) {
    if (error instanceof HyperError) return { code: error.code, message: error.message };
    return { code: 'not a HyperError', message: String(error) };
  }
}

async function warmUp(): Promise<void> {
  const sound: readonly ImageRef[] = [
    { path: join(targets, 'warm.qcow2'), format: 'qcow2', references: 'refuse' },
    { path: join(targets, 'warm.vmdk'), format: 'vmdk', references: 'refuse' },
    { path: join(targets, 'warm.vhdx'), format: 'vhdx', references: 'refuse' },
    { path: join(targets, 'warm.vhd'), format: 'vhd', references: 'refuse' },
    { path: join(targets, 'warm.vdi'), format: 'vdi', references: 'refuse' },
    { path: join(targets, 'warm.raw'), format: 'raw', references: 'refuse' },
  ];
  writeFileSync(join(targets, 'warm.qcow2'), new Qcow2Claim().bytes);
  writeFileSync(join(targets, 'warm.vmdk'), claimVmdk({}));
  writeFileSync(
    join(targets, 'warm.vhdx'),
    editVhdx(({ log }) => void log([{ sequence: 1, changes: [] }])),
  );
  const unchanged = (): void => undefined;
  writeFileSync(join(targets, 'warm.vhd'), editVhd('dynamic', unchanged));
  writeFileSync(join(targets, 'warm.vdi'), editVdi(unchanged));
  writeFileSync(join(targets, 'warm.raw'), Buffer.alloc(64 * KIB, 1));
  for (const image of sound) {
    await imageInspector.inspect(image, { signal });
    await copy(engine, image);
    // Refusing is code as well.
    const wrong: ImageRef = { ...image, path: join(targets, 'warm.raw') };
    await answerOf(() => imageInspector.inspect(wrong, { signal }));
    await answerOf(() => copy(engine, wrong));
  }
  for (const name of readdirSync(targets)) rmSync(join(targets, name));
}

/** A call that a system-call trace shows and that touches nothing. */
function mark(name: string): void {
  try {
    accessSync(`/mark/${name}`);
  } catch {
    // There is no such file, and need not be.
  }
}

function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

/** Lets the kernel count the highest memory use anew (proc(5), clear_refs), and answers what is used now. */
function startPeak(): number {
  writeFileSync('/proc/self/clear_refs', '5');
  return peak();
}

function peak(): number {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return Number(found?.[1]) * KIB;
}
