// libvirt, `virConnectGetAllDomainStats`: figures by name. What is named there in nanoseconds and bytes is in them; memory is in KiB.
import { type Counter, toDiskId, toVMId, type VMMetrics } from '@hypersdk/domain';
import { DISKS_MAX, NICS_MAX, present, tidyText } from '../../said-fields.ts';
import type { StatsRecord } from '../domain-figures.ts';
import type { TypedParam } from '../rpc/typed-param.ts';
import { DomainState, powerStateOf } from '../to-vm.ts';

const KIB = 1024n;
/** More than any machine of QEMU has; libvirt names the highest that could be. */
const VCPUS_MAX = 4096;
/** libvirt, `virVcpuState`. */
const VCPU_STATES = ['offline', 'running', 'blocked'] as const;
const STOPPED: readonly number[] = [DomainState.none, DomainState.off, DomainState.crashed];

interface Moment {
  readonly hasSavedMemory: boolean;
  readonly takenAtMs: number;
}

export function toMetrics({ domain, params }: StatsRecord, { hasSavedMemory, takenAtMs }: Moment): VMMetrics {
  const said = new Said(params);
  const state = Number(said.number('state.state') ?? 0);
  const isStopped = STOPPED.includes(state);
  return {
    vm: toVMId(domain.uuid),
    takenAtMs,
    powerState: powerStateOf({ state, hasSavedMemory }),
    // Of a domain that is off libvirt tells what it finds where the last one was counted.
    ...present({ cpu: isStopped ? undefined : cpuOf(said), memory: memoryOf(said) }),
    vcpus: isStopped ? [] : vcpusOf(said),
    disks: disksOf(said),
    nics: isStopped ? [] : nicsOf(said),
  };
}

function cpuOf(said: Said): VMMetrics['cpu'] {
  const timeNsTotal = said.counter('cpu.time');
  if (timeNsTotal === undefined) return undefined;
  return { timeNsTotal, ...present({ userTimeNsTotal: said.counter('cpu.user'), systemTimeNsTotal: said.counter('cpu.system') }) };
}

/** A processor that was taken out leaves a gap in the numbers. */
function vcpusOf(said: Said): VMMetrics['vcpus'] {
  return indexesTo(said.count('vcpu.maximum', VCPUS_MAX)).flatMap((index) => {
    const state = said.number(`vcpu.${index}.state`);
    if (state === undefined) return [];
    const figures = present({
      timeNsTotal: said.counter(`vcpu.${index}.time`),
      delayNsTotal: said.counter(`vcpu.${index}.delay`),
      waitNsTotal: said.counter(`vcpu.${index}.wait`),
    });
    return [{ index, state: VCPU_STATES[Number(state)] ?? 'unknown', ...figures }];
  });
}

function memoryOf(said: Said): VMMetrics['memory'] {
  const maximumSize = said.kibibytes('balloon.maximum');
  if (maximumSize === undefined) return undefined;
  return {
    maximumSize,
    ...present({
      balloonSize: said.kibibytes('balloon.current'),
      residentSize: said.kibibytes('balloon.rss'),
      availableSize: said.kibibytes('balloon.available'),
      unusedSize: said.kibibytes('balloon.unused'),
      usableSize: said.kibibytes('balloon.usable'),
      swappedInBytesTotal: said.counter('balloon.swap_in', KIB),
      swappedOutBytesTotal: said.counter('balloon.swap_out', KIB),
      majorFaultsTotal: said.counter('balloon.major_fault'),
      minorFaultsTotal: said.counter('balloon.minor_fault'),
    }),
  };
}

function disksOf(said: Said): VMMetrics['disks'] {
  return indexesTo(said.count('block.count', DISKS_MAX)).flatMap((index) => {
    const name = tidyText(said.text(`block.${index}.name`));
    if (name === undefined) return [];
    const figures = present({
      read: transferOf(said, `block.${index}.rd`),
      written: transferOf(said, `block.${index}.wr`),
      flushesTotal: said.counter(`block.${index}.fl.reqs`),
      flushTimeNsTotal: said.counter(`block.${index}.fl.times`),
      virtualSize: said.size(`block.${index}.capacity`),
      allocatedSize: said.size(`block.${index}.allocation`),
      fileSize: said.size(`block.${index}.physical`),
    });
    return [{ disk: toDiskId(name), ...figures }];
  });
}

function transferOf(said: Said, name: string): NonNullable<VMMetrics['disks'][number]['read']> | undefined {
  const [bytesTotal, requestsTotal] = [said.counter(`${name}.bytes`), said.counter(`${name}.reqs`)];
  if (bytesTotal === undefined || requestsTotal === undefined) return undefined;
  return { bytesTotal, requestsTotal, ...present({ timeNsTotal: said.counter(`${name}.times`) }) };
}

/** Numbered as the interfaces stand in the description; those without a device of the host have no figures. */
function nicsOf(said: Said): VMMetrics['nics'] {
  return indexesTo(said.count('net.count', NICS_MAX)).flatMap((index) => {
    const hostDevice = tidyText(said.text(`net.${index}.name`));
    const [received, sent] = [packetsOf(said, `net.${index}.rx`), packetsOf(said, `net.${index}.tx`)];
    return hostDevice === undefined || !received || !sent ? [] : [{ nic: `nic${index}`, hostDevice, received, sent }];
  });
}

function packetsOf(said: Said, name: string): VMMetrics['nics'][number]['sent'] | undefined {
  const [bytesTotal, packetsTotal] = [said.counter(`${name}.bytes`), said.counter(`${name}.pkts`)];
  const [errorsTotal, droppedTotal] = [said.counter(`${name}.errs`), said.counter(`${name}.drop`)];
  if (bytesTotal === undefined || packetsTotal === undefined || errorsTotal === undefined || droppedTotal === undefined) return undefined;
  return { bytesTotal, packetsTotal, errorsTotal, droppedTotal };
}

const indexesTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

/** What was said, by its names, as what it has to be; anything else is as if it had not been said. */
class Said {
  readonly #values: ReadonlyMap<string, TypedParam['value']>;

  constructor(params: readonly TypedParam[]) {
    this.#values = new Map(params.map(({ field, value }) => [field, value]));
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    return typeof value === 'string' ? value : undefined;
  }

  number(name: string): bigint | undefined {
    const value = this.#values.get(name);
    if (typeof value === 'bigint') return value >= 0n ? value : undefined;
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined;
  }

  counter(name: string, unit: bigint = 1n): Counter | undefined {
    const value = this.number(name);
    return value === undefined ? undefined : value * unit;
  }

  size(name: string, unit: bigint = 1n): number | undefined {
    const bytes = this.counter(name, unit);
    return bytes !== undefined && bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : undefined;
  }

  kibibytes(name: string): number | undefined {
    return this.size(name, KIB);
  }

  count(name: string, max: number): number {
    const value = this.number(name) ?? 0n;
    return value > BigInt(max) ? max : Number(value);
  }
}
