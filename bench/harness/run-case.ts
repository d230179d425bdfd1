import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Images } from '../images/bench-images.ts';
import type { BenchCase, Contestant, Hypervisor, Paths, Web } from './bench-case.ts';
import { measure, type Cost } from './measure.ts';

/** A setting this much slower than its program's best at the warm-up is out; closer ones go on, since one run says little. */
const HEAT_TOLERANCE = 1.25;

export interface CaseResult {
  readonly id: string;
  /** By contestant, one entry a round. */
  readonly rounds: Readonly<Record<string, readonly Cost[]>>;
  /** Bytes of the file, and of its blocks, that each contestant wrote. */
  readonly outputs: Readonly<Record<string, { readonly fileSize: number; readonly allocatedSize: number }>>;
  readonly families: Readonly<Record<string, string>>;
}

interface RunOptions {
  readonly images: Images;
  readonly folder: string;
  readonly rounds: number;
  readonly web?: Web;
  readonly hypervisor?: Hypervisor;
}

/** Warms up, checks every output once, then measures round by round: A B C, C B A, … */
export function runCase(bench: BenchCase, o: RunOptions): CaseResult {
  const paths: Paths = {
    image: (name) => o.images.path(name),
    output: join(o.folder, `out.${bench.output ?? 'none'}`),
    ...(o.web ? { web: o.web } : {}),
    ...(o.hypervisor ? { hypervisor: o.hypervisor } : {}),
  };
  const image = paths.image(bench.image);
  // Reads the input into the page cache.
  if (statSync(image).blocks > 0) execFileSync('cat', [image], { stdio: ['ignore', 'ignore', 'inherit'] });

  const outputs: Record<string, { fileSize: number; allocatedSize: number }> = {};
  const warmUps = new Map<string, number>();
  for (const contestant of bench.contestants) {
    const { wallMs } = runOnce(contestant, paths);
    warmUps.set(contestant.name, wallMs);
    if (!bench.output || contestant.isBare) continue;
    checkOutput(bench.output, { image, output: paths.output });
    const { size, blocks } = statSync(paths.output);
    outputs[contestant.name] = { fileSize: size, allocatedSize: blocks * 512 };
  }

  const finalists = chooseFinalists(bench.contestants, warmUps);
  const rounds: Record<string, Cost[]> = Object.fromEntries(finalists.map(({ name }) => [name, []]));
  for (let round = 0; round < o.rounds; round += 1) {
    for (const contestant of round % 2 === 0 ? finalists : finalists.toReversed()) rounds[contestant.name]?.push(runOnce(contestant, paths));
  }
  rmSync(paths.output, { force: true });
  const families = Object.fromEntries(finalists.flatMap(({ name, family }) => (family === undefined ? [] : [[name, family]])));
  return { id: bench.id, rounds, outputs, families };
}

function runOnce(contestant: Contestant, paths: Paths): Cost {
  // Also what an earlier contestant left beside it: digests, partial files.
  for (const path of [paths.output, `${paths.output}.leaves`]) rmSync(path, { force: true });
  return measure(contestant.command(paths));
}

function chooseFinalists(contestants: readonly Contestant[], warmUps: ReadonlyMap<string, number>): readonly Contestant[] {
  return contestants.filter(({ name, family }) => {
    if (family === undefined) return true;
    const rivals = contestants.filter((other) => other.family === family).map((other) => warmUps.get(other.name) ?? 0);
    return (warmUps.get(name) ?? 0) <= Math.min(...rivals) * HEAT_TOLERANCE;
  });
}

/** Another program than ours says that the image is sound and holds the same disk. */
function checkOutput(format: string, { image, output }: { readonly image: string; readonly output: string }): void {
  if (!existsSync(output)) throw new Error(`${output} was not written.`);
  if (format === 'qcow2') execFileSync('qemu-img', ['check', '-q', '-f', 'qcow2', output], { stdio: ['ignore', 'inherit', 'inherit'] });
  execFileSync('qemu-img', ['compare', '-q', '-f', formatOf(image), '-F', format, image, output], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The file's own signature, not its name. */
function formatOf(path: string): 'raw' | 'qcow2' | 'vmdk' {
  const head = Buffer.alloc(4);
  const fd = openSync(path, 'r');
  readSync(fd, head, 0, head.length, 0);
  closeSync(fd);
  if (head.toString('latin1') === 'QFI\u00fb') return 'qcow2';
  return head.toString('latin1') === 'KDMV' ? 'vmdk' : 'raw';
}
