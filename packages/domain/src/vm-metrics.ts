import type { DiskId, VMId } from './ids.ts';
import type { PowerState } from './vm.ts';

/**
 * Counts what happened since the VM was started, and only grows until it is started anew: a smaller one than before says that it was. Nanoseconds and bytes
 * outgrow what a number counts exactly (104 days of one processor), so it is none. Fields that hold one end in `Total`.
 */
export type Counter = bigint;

/** What a VM does, as far as its platform tells; what is absent is not known, and not zero. Sizes are bytes. */
export interface VMMetrics {
  readonly vm: VMId;
  /** Milliseconds of a clock that only grows; its beginning means nothing. */
  readonly takenAtMs: number;
  readonly powerState: PowerState;
  /** Of all that runs for the VM on its host. Absent while it is stopped. */
  readonly cpu?: CpuMetrics;
  readonly vcpus: readonly VcpuMetrics[];
  readonly memory?: MemoryMetrics;
  readonly disks: readonly DiskMetrics[];
  readonly nics: readonly NicMetrics[];
}

export interface CpuMetrics {
  readonly timeNsTotal: Counter;
  readonly userTimeNsTotal?: Counter;
  readonly systemTimeNsTotal?: Counter;
}

export interface VcpuMetrics {
  readonly index: number;
  readonly state: 'running' | 'blocked' | 'offline' | 'unknown';
  readonly timeNsTotal?: Counter;
  /** Ready to run, while the host ran something else. */
  readonly delayNsTotal?: Counter;
  /** Waiting for input or output. */
  readonly waitNsTotal?: Counter;
}

/** `balloon` is what the guest was given and can be taken back from it; the rest of the guest's own figures need a driver in it. */
export interface MemoryMetrics {
  readonly maximumSize: number;
  readonly balloonSize?: number;
  /** What the VM takes on its host. */
  readonly residentSize?: number;
  readonly availableSize?: number;
  readonly unusedSize?: number;
  /** What could be used without swapping: `unused` and what caches would give back. */
  readonly usableSize?: number;
  readonly swappedInBytesTotal?: Counter;
  readonly swappedOutBytesTotal?: Counter;
  readonly majorFaultsTotal?: Counter;
  readonly minorFaultsTotal?: Counter;
}

export interface DiskMetrics {
  readonly disk: DiskId;
  readonly read?: TransferMetrics;
  readonly written?: TransferMetrics;
  readonly flushesTotal?: Counter;
  readonly flushTimeNsTotal?: Counter;
  readonly virtualSize?: number;
  /** The highest place that is in use in the file or device. */
  readonly allocatedSize?: number;
  readonly fileSize?: number;
}

export interface TransferMetrics {
  readonly bytesTotal: Counter;
  readonly requestsTotal: Counter;
  readonly timeNsTotal?: Counter;
}

export interface NicMetrics {
  /** As the inventory calls it. */
  readonly nic: string;
  /** What it is called on the host. */
  readonly hostDevice: string;
  readonly received: PacketMetrics;
  readonly sent: PacketMetrics;
}

/** As seen by the guest. */
export interface PacketMetrics {
  readonly bytesTotal: Counter;
  readonly packetsTotal: Counter;
  readonly errorsTotal: Counter;
  readonly droppedTotal: Counter;
}
