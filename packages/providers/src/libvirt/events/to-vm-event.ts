// libvirt, "Domain events": what the numbers of each event mean (libvirt-domain.h).
import { toVMId, type DiskJob, type DiskJobState, type StopReason, type SuspendReason, type VMEvent } from '@hypersdk/domain';
import { tidyText } from '../../said-fields.ts';
import type { DomainNews } from '../domain-watch.ts';

/** virDomainEventType. */
const Lifecycle = { defined: 0, undefined: 1, started: 2, suspended: 3, resumed: 4, stopped: 5, shutdown: 6, pmSuspended: 7, crashed: 8 } as const;
/** VIR_DOMAIN_EVENT_DEFINED_ADDED, VIR_DOMAIN_EVENT_UNDEFINED_RENAMED. */
const DEFINED_ADDED = 0;
const UNDEFINED_RENAMED = 1;
/** virDomainEventStoppedDetailType. */
const STOPS: Readonly<Record<number, StopReason>> = {
  0: 'shut-down',
  1: 'powered-off',
  2: 'crashed',
  3: 'migrated',
  4: 'saved',
  5: 'failed',
  6: 'reverted',
};
/** virDomainEventSuspendedDetailType. */
const SUSPENDS: Readonly<Record<number, SuspendReason>> = { 0: 'asked', 1: 'migrating', 2: 'io-error', 7: 'migrating', 8: 'migrating' };
/** virDomainBlockJobType. */
const JOBS: Readonly<Record<number, DiskJob>> = { 1: 'pull', 2: 'copy', 3: 'commit', 4: 'commit', 5: 'backup' };
/** virConnectDomainEventBlockJobStatus. */
const JOB_STATES: Readonly<Record<number, DiskJobState>> = { 0: 'completed', 1: 'failed', 2: 'cancelled', 3: 'ready' };
/** VIR_DOMAIN_EVENT_TRAY_CHANGE_OPEN, VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED. */
const TRAY_OPEN = 0;
const AGENT_CONNECTED = 1;

interface OfVM {
  readonly vm: ReturnType<typeof toVMId>;
  readonly name: string;
}

/** Undefined for the half of a renaming that the other half tells too, and for what a newer server tells that there was not. */
export function toVMEvent(news: DomainNews): VMEvent | undefined {
  const { uuid, name } = news.message.domain;
  const of: OfVM = { vm: toVMId(uuid), name: tidyText(name) ?? uuid };
  switch (news.name) {
    case 'lifecycle':
      return lifecycleOf(of, news.message);
    case 'reboot':
      return { ...of, kind: 'restarted' };
    case 'ioError':
      return { ...of, kind: 'io-error', device: named(news.message.device), path: named(news.message.path) };
    case 'diskChange':
      return { ...of, kind: 'medium-changed', device: named(news.message.device) };
    case 'trayChange':
      return { ...of, kind: news.message.reason === TRAY_OPEN ? 'tray-opened' : 'tray-closed', device: named(news.message.device) };
    case 'deviceAdded':
      return { ...of, kind: 'device-added', device: named(news.message.device) };
    case 'deviceRemoved':
      return { ...of, kind: 'device-removed', device: named(news.message.device) };
    case 'deviceKept':
      return { ...of, kind: 'device-kept', device: named(news.message.device) };
    case 'blockJob':
      return diskJobOf(of, news.message);
    case 'jobCompleted':
      return jobEndOf(of, news.message.params);
    case 'agent':
      return { ...of, kind: 'agent', isConnected: news.message.state === AGENT_CONNECTED };
    case 'balloonChange':
    case 'metadataChange':
      return { ...of, kind: 'changed' };
  }
}

function lifecycleOf(of: OfVM, { event, detail }: { readonly event: number; readonly detail: number }): VMEvent | undefined {
  switch (event) {
    case Lifecycle.defined:
      return { ...of, kind: detail === DEFINED_ADDED ? 'created' : 'changed' };
    case Lifecycle.undefined:
      return detail === UNDEFINED_RENAMED ? undefined : { ...of, kind: 'removed' };
    case Lifecycle.started:
      return { ...of, kind: 'started' };
    case Lifecycle.suspended:
      return { ...of, kind: 'suspended', reason: SUSPENDS[detail] ?? 'other' };
    case Lifecycle.resumed:
      return { ...of, kind: 'resumed' };
    case Lifecycle.stopped:
      return { ...of, kind: 'stopped', reason: STOPS[detail] ?? 'unknown' };
    case Lifecycle.shutdown:
      return { ...of, kind: 'stopping' };
    case Lifecycle.pmSuspended:
      return { ...of, kind: 'suspended', reason: 'asleep' };
    case Lifecycle.crashed:
      return { ...of, kind: 'crashed' };
    default:
      return undefined;
  }
}

const diskJobOf = (of: OfVM, { disk, type, status }: { readonly disk: string; readonly type: number; readonly status: number }): VMEvent => ({
  ...of,
  kind: 'disk-job',
  disk: named(disk),
  job: JOBS[type] ?? 'unknown',
  state: JOB_STATES[status] ?? 'unknown',
});

function jobEndOf(of: OfVM, params: readonly { readonly field: string; readonly value: unknown }[]): VMEvent {
  const success = params.find(({ field }) => field === 'success')?.value;
  return { ...of, kind: 'job-ended', ...(typeof success === 'boolean' ? { isSuccess: success } : {}) };
}

/** What a server calls a device; it may say anything. */
const named = (text: string): string => tidyText(text) ?? '';
