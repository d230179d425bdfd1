import type { VMId } from './ids.ts';

interface OfVM {
  readonly vm: VMId;
  readonly name: string;
}

/** Why a VM does not run any more. */
export type StopReason = 'shut-down' | 'powered-off' | 'crashed' | 'failed' | 'saved' | 'migrated' | 'reverted' | 'unknown';
/** Why the processors of a VM rest. */
export type SuspendReason = 'asked' | 'io-error' | 'migrating' | 'asleep' | 'other';

/**
 * What happened to a VM. `device` and `disk` are what the platform calls them. `changed`: what the VM is described by is other than it was.
 * `gap`: something may have happened that nobody told of; what is known of VMs has to be looked up again.
 */
export type VMEvent =
  | (OfVM & { readonly kind: 'created' | 'changed' | 'removed' | 'started' | 'resumed' | 'restarted' | 'stopping' | 'crashed' })
  | (OfVM & { readonly kind: 'stopped'; readonly reason: StopReason })
  | (OfVM & { readonly kind: 'suspended'; readonly reason: SuspendReason })
  | (OfVM & { readonly kind: 'device-added' | 'device-removed' | 'device-kept'; readonly device: string })
  | (OfVM & { readonly kind: 'medium-changed' | 'tray-opened' | 'tray-closed'; readonly device: string })
  | (OfVM & { readonly kind: 'io-error'; readonly device: string; readonly path: string })
  | (OfVM & { readonly kind: 'disk-job'; readonly disk: string; readonly job: DiskJob; readonly state: DiskJobState })
  | (OfVM & { readonly kind: 'job-ended'; readonly isSuccess?: boolean })
  | (OfVM & { readonly kind: 'agent'; readonly isConnected: boolean })
  | VMEventGap;

export interface VMEventGap {
  readonly kind: 'gap';
  /** `overflow`: whoever listens took too long. `connection`: there was none for a while. */
  readonly reason: 'overflow' | 'connection';
}

/** `pull`: into the image on top; `commit`: into the one below; `copy`: to another place. */
export type DiskJob = 'pull' | 'commit' | 'copy' | 'backup' | 'unknown';
/** `ready`: it keeps up, and ends when it is told to. */
export type DiskJobState = 'completed' | 'failed' | 'cancelled' | 'ready' | 'unknown';
