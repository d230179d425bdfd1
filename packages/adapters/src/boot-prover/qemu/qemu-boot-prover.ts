import { execFile } from 'node:child_process';
import { copyFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { HyperError, systemCode } from '@hypersdk/domain';
import type { BootDisk, BootMachine, BootObservation, BootProver, BootReadiness, Cancel } from '@hypersdk/ports';
import { remember } from '../../remember.ts';
import { findOvmf, findTools, firmwaresHere, type Tools } from './find-tools.ts';
import { canOpen, toArguments } from './machine-arguments.ts';
import { KVM_DEVICE, probeKvm } from './probe-kvm.ts';
import { RunningMachine, type Launch } from './running-machine.ts';
import { enclose } from './sandbox.ts';
import { openScratch, sweepScratch } from './scratch.ts';

export interface QemuBootProverOptions {
  /** Folders to look for programs in. */
  readonly searchPath: readonly string[];
  /** Runs QEMU also where neither bubblewrap nor Landlock shuts it in; its own filter and the limits remain. */
  readonly unsandboxed: boolean;
}

type Readiness = { readonly about: BootReadiness; readonly tools?: Tools };

/** Fast enough to catch what scrolls by, rare enough not to slow an emulated guest. */
const PERIOD_MS = 500;
const VERSION_TIMEOUT_MS = 10_000;
const COMPLAINT_LENGTH_MAX = 200;
const VARIABLES_FILE = 'variables.fd';

/** Boots images in QEMU: in a sandbox, from read-only files under an overlay that has no name. */
export class QemuBootProver implements BootProver {
  readonly #ready: (o: Cancel) => Promise<Readiness>;

  constructor(options: QemuBootProverOptions) {
    this.#ready = remember((o) => look(options, o));
  }

  async probe(o: Cancel): Promise<BootReadiness> {
    return (await this.#ready(o)).about;
  }

  async *boot(machine: BootMachine, o: Cancel): AsyncGenerator<BootObservation> {
    o.signal.throwIfAborted();
    const { about, tools } = await this.#ready(o);
    if (!about.ready || tools === undefined) throw unavailable(about.ready ? 'there is no emulator.' : about.reason);
    await checkDisks(machine.disks);
    await using scratch = await openScratch();
    await using running = await RunningMachine.open(await toLaunch(machine, { tools, scratch: scratch.path }), o);
    for (;;) {
      await pause(PERIOD_MS, o);
      const observation = await running.observe();
      o.signal.throwIfAborted();
      yield observation;
      if (observation.state !== 'running') return;
    }
  }
}

async function look({ searchPath, unsandboxed }: QemuBootProverOptions, o: Cancel): Promise<Readiness> {
  const { choices, lack } = findTools(searchPath, { unsandboxed });
  if (lack !== undefined) return { about: { ready: false, reason: lack } };
  await sweepScratch(Date.now());
  await using scratch = await openScratch();
  const complaints: string[] = [];
  for (const tools of choices) {
    const { version, complaint } = await askVersion(tools, { ...o, scratch: scratch.path });
    if (version === undefined) {
      complaints.push(`in ${describeWalls(tools)}: ${complaint}`);
      continue;
    }
    const accelerator = (await probeKvm(tools, { ...o, scratch: scratch.path })) ? 'kvm' : 'tcg';
    return { tools, about: { ready: true, program: tools.qemu, version, accelerator, firmwares: firmwaresHere(), sandbox: describeWalls(tools) } };
  }
  const program = choices[0]?.qemu ?? 'QEMU';
  const why = 'bubblewrap (package bubblewrap) needs user namespaces, and without it the kernel needs Landlock';
  return { about: { ready: false, reason: `${program} does not start in a sandbox, ${complaints.join('; ')} (${why}).` } };
}

function describeWalls({ walls }: Tools): string {
  if (walls === undefined) return 'seccomp and limits only';
  return walls === 'landlock' ? 'Landlock, seccomp and limits' : 'bubblewrap, seccomp and limits';
}

/** Asked inside of the sandbox, so that a sandbox that cannot be made is noticed. `complaint`: why there is no version. */
async function askVersion(
  tools: Tools,
  o: Cancel & { readonly scratch: string },
): Promise<{ readonly version?: string; readonly complaint: string }> {
  const { command, args } = enclose(tools, { scratch: o.scratch, disks: [], memory: 0, devices: [] });
  const options = { env: {}, cwd: '/', timeout: VERSION_TIMEOUT_MS, signal: o.signal };
  try {
    const { stdout } = await promisify(execFile)(command, [...args, tools.qemu, '--version'], options);
    const version = /version (\d[\w.]*)/.exec(stdout)?.[1];
    return version === undefined ? { complaint: 'it does not tell its version' } : { version, complaint: '' };
  } catch (error) {
    o.signal.throwIfAborted();
    const said = typeof error === 'object' && error !== null && 'stderr' in error ? String(error.stderr).trim() : '';
    const lines = (said === '' ? String(error) : said).split('\n');
    return { complaint: lines[0]?.slice(0, COMPLAINT_LENGTH_MAX) ?? '' };
  }
}

interface Surroundings {
  readonly tools: Tools;
  readonly scratch: string;
}

async function toLaunch(machine: BootMachine, { tools, scratch }: Surroundings): Promise<Launch> {
  const { accelerator } = machine;
  const devices = accelerator === 'kvm' ? [KVM_DEVICE] : [];
  const sandbox = enclose(tools, { scratch, disks: machine.disks, memory: machine.memory, devices });
  const ovmf = machine.firmware === 'uefi' ? await copyVariables(scratch) : undefined;
  const parts = { sandbox, ...(ovmf === undefined ? {} : { ovmf: { code: ovmf, variables: `${sandbox.scratch}/${VARIABLES_FILE}` } }) };
  const args = [...sandbox.args, tools.qemu, ...toArguments(machine, parts)];
  return { command: sandbox.command, args, scratch, scratchInside: sandbox.scratch };
}

/** Each machine writes to its own copy. Answers the path of the code. */
async function copyVariables(scratch: string): Promise<string> {
  const ovmf = findOvmf();
  if (ovmf === undefined) throw unavailable('there is no firmware for UEFI here; install OVMF.');
  await copyFile(ovmf.variables, join(scratch, VARIABLES_FILE));
  return ovmf.code;
}

async function checkDisks(disks: readonly BootDisk[]): Promise<void> {
  for (const { path, format, beside, isServed } of disks) {
    if (isServed && format !== 'raw') throw new HyperError('internal/unexpected', 'A server offers the bytes of a disk, not of an image.');
    if (!canOpen(format)) throw unavailable(`QEMU does not read ${format} images.`);
    const foreign = beside.find((name) => name !== basename(name) || name === '..' || name === '.');
    if (foreign !== undefined) throw new HyperError('image/refused-reference', `${path} refers to ${foreign}, which does not lie beside it.`);
    for (const file of [path, ...beside.map((name) => join(dirname(path), name))]) {
      await stat(file).catch((cause: unknown) => {
        throw new HyperError(systemCode(cause) === 'EACCES' ? 'source/forbidden' : 'source/not-found', `${file} cannot be opened.`, { cause });
      });
    }
  }
}

async function pause(milliseconds: number, { signal }: Cancel): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}

const unavailable = (why: string): HyperError => new HyperError('boot/unavailable', `A guest cannot be started here: ${why}`);
