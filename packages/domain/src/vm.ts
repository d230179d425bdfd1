import type { DiskInfo } from './disk.ts';
import type { ConnectionId, VMId } from './ids.ts';
import type { ProviderKind } from './provider-kind.ts';

export type PowerState = 'running' | 'stopped' | 'suspended' | 'unknown';
export type Firmware = 'bios' | 'uefi' | 'unknown';
/** `silent`: the VM has a channel for an agent, and nobody answers on it. */
export type GuestAgent = 'connected' | 'silent';

export interface NicInfo {
  readonly id: string;
  readonly mac?: string;
  readonly network?: string;
}

/** One VM, whatever its platform. Memory is bytes; times are ISO 8601 in UTC; absent means the platform does not say. */
export interface VMInfo {
  readonly id: VMId;
  readonly name: string;
  readonly provider: ProviderKind;
  readonly connection: ConnectionId;
  readonly powerState: PowerState;
  readonly cpus?: number;
  readonly memory?: number;
  readonly os?: string;
  /** Of its processors, as QEMU calls it: x86_64, aarch64. */
  readonly arch?: string;
  /** What it is built like, in the platform's own words: pc-q35-7.2. */
  readonly machine?: string;
  readonly firmware: Firmware;
  readonly secureBoot?: boolean;
  /** Whether it has a trusted platform module, whose secrets lie outside of its disks. */
  readonly tpm?: boolean;
  /** Absent also when the VM has no channel for one, or does not run. */
  readonly guestAgent?: GuestAgent;
  /** Whether the platform keeps its memory for the next start, so that what its disks hold is not all there is. */
  readonly hasSavedMemory?: boolean;
  readonly disks: readonly DiskInfo[];
  readonly nics: readonly NicInfo[];
  readonly tags: Readonly<Record<string, string>>;
  /** Folder, host, cluster, region or zone: the platform's own path to the VM. */
  readonly path?: string;
  readonly createdAt?: string;
  readonly updatedAt?: string;
}
