import { GIB, MIB, type BootController, type BootFirmware, type BootRecord, type BootVerdict } from '@hypersdk/domain';
import type { BootDisk, BootObservation, BootProver, BootReadiness, Cancel, Clock, ImageInspector, StorageTarget } from '@hypersdk/ports';
import { inspectBootDisks, type BootSource, type InspectedDisk } from './inspect-boot-disks.ts';
import { keepEvidence, type Evidence } from './keep-evidence.ts';
import { furthest, nextHardware, type Hardware } from './next-hardware.ts';
import { watchBoot, type WatchedAttempt } from './watch-boot.ts';

export interface ProveBootPorts {
  readonly prover: BootProver;
  readonly inspector: ImageInspector;
  readonly clock: Clock;
  /** Where screenshot, serial log and record go. */
  readonly evidence: StorageTarget;
  readonly tool: { readonly name: string; readonly version: string };
}

/** A guest as an export or a user describes it. */
export interface BootSubject {
  /** Names the evidence: `disk-0` gives `disk-0.boot.png`. May begin with a folder of the target. */
  readonly name: string;
  /** In boot order. */
  readonly disks: readonly BootSource[];
  readonly exportId?: string;
  readonly vm?: string;
  readonly firmware?: BootFirmware;
  /** Bytes; more than a proof needs is cut. */
  readonly memory?: number;
  readonly cpus?: number;
}

export interface ProveBootRequest extends BootSubject {
  readonly controller?: BootController;
  readonly timeLimitMs: number;
  readonly expect: readonly string[];
}

export interface ProveBootOptions extends Cancel {
  readonly onAttempt?: (hardware: Hardware) => void;
  readonly onObservation?: (observation: BootObservation) => void;
}

export interface BootProof {
  readonly record: BootRecord;
  /** Object names of what was kept. */
  readonly files: readonly string[];
}

/** One machine after another until the guest is up or none is left that could help. */
const ATTEMPTS_MAX = 4;

/** Boots what the disks hold on a machine that is thrown away, and keeps what was seen. A guest that does not boot is an answer, not an exception. */
export const proveBoot =
  (ports: ProveBootPorts) =>
  async (request: ProveBootRequest, o: ProveBootOptions): Promise<BootProof> => {
    const startedAt = new Date(ports.clock.now()).toISOString();
    const readiness = await ports.prover.probe(o);
    const disks = await inspectBootDisks(ports.inspector, request.disks, o);
    const refusal = refuse(readiness, disks);
    const likely = disks[0]?.likely;
    const task = { request: { ...request, ...(likely === undefined ? {} : { likely }) }, disks };
    const watched = refusal === undefined && readiness.ready ? await attempt(ports.prover, { ...task, readiness }, o) : [];
    const best = furthest(watched);
    const evidence: Evidence = {
      name: request.name,
      record: {
        kind: 'hypersdk.boot-record',
        version: 1,
        tool: ports.tool,
        startedAt,
        finishedAt: new Date(ports.clock.now()).toISOString(),
        ...(request.exportId === undefined ? {} : { exportId: request.exportId }),
        ...(request.vm === undefined ? {} : { vm: request.vm }),
        disks: disks.map(({ told, virtualSize }) => ({ ...told, virtualSize })),
        ...(readiness.ready ? { emulator: emulatorOf(readiness) } : {}),
        attempts: watched.map((one) => one.attempt),
        verdict: best?.attempt.verdict ?? refusal ?? { kind: 'skipped', reason: 'There was nothing to start.' },
      },
      ...(best?.last === undefined ? {} : { last: best.last }),
    };
    return keepEvidence(ports.evidence, evidence, o);
  };

type Ready = BootReadiness & { readonly ready: true };

function refuse(readiness: BootReadiness, disks: readonly InspectedDisk[]): BootVerdict | undefined {
  if (!readiness.ready) return { kind: 'skipped', reason: readiness.reason };
  const unfit = disks.find(({ whyNot }) => whyNot !== undefined);
  return unfit === undefined ? undefined : { kind: 'skipped', reason: `${unfit.path} cannot be booted: ${unfit.whyNot ?? ''}.` };
}

interface Task {
  readonly request: ProveBootRequest & { readonly likely?: BootFirmware };
  readonly disks: readonly BootDisk[];
  readonly readiness: Ready;
}

async function attempt(prover: BootProver, { request, disks, readiness }: Task, o: ProveBootOptions): Promise<readonly WatchedAttempt[]> {
  const watched: WatchedAttempt[] = [];
  const sizes = { memory: clamp(request.memory ?? MEMORY_DEFAULT, MEMORY), cpus: clamp(request.cpus ?? CPUS.max, CPUS) };
  while (watched.length < ATTEMPTS_MAX) {
    const tried = watched.map((one) => one.attempt);
    const hardware = nextHardware(tried, { ...request, accelerator: readiness.accelerator });
    if (hardware === undefined) break;
    if (!readiness.firmwares.includes(hardware.firmware)) {
      if (watched.length === 0) watched.push(withoutFirmware({ ...hardware, ...sizes }));
      break;
    }
    o.onAttempt?.(hardware);
    const options = { ...o, timeLimitMs: request.timeLimitMs, expect: request.expect };
    watched.push(await watchBoot(prover, { ...hardware, ...sizes, disks }, options));
  }
  return watched;
}

/** Less than this, and current systems do not unpack their initial RAM disk; more than a proof needs would only burden the host. */
const MEMORY = { min: 256 * MIB, max: 4 * GIB };
const MEMORY_DEFAULT = 2 * GIB;
const CPUS = { min: 1, max: 2 };

const clamp = (value: number, { min, max }: { readonly min: number; readonly max: number }): number => Math.min(max, Math.max(min, value));

const withoutFirmware = (hardware: Hardware & { readonly memory: number; readonly cpus: number }): WatchedAttempt => ({
  attempt: {
    ...hardware,
    verdict: { kind: 'skipped', reason: `There is no firmware for ${hardware.firmware.toUpperCase()} here; install OVMF.` },
    elapsedMs: 0,
    bytesRead: 0,
    pictures: 0,
  },
  last: undefined,
});

const emulatorOf = ({ program, version, accelerator, sandbox }: Ready): NonNullable<BootRecord['emulator']> => ({
  program,
  version,
  accelerator,
  sandbox,
});
