import { setTimeout as delay } from 'node:timers/promises';
import { formatBytes, type HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { type Domain, procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { DomainState } from '../to-vm.ts';
import { endBackup } from './backup-job.ts';
import { undoing } from './run-effects.ts';
import { reserveOf, type Room, scratchFull } from './scratch-room.ts';

/** Often enough that a guest that writes a gigabyte each second does not eat up the reserve in between. */
const EVERY_MS = 500;

/** VIR_DOMAIN_PAUSED_IOERROR. */
const PAUSED_BY_IO_ERROR = 5;

export interface WatchedScratch {
  readonly caller: Caller;
  readonly domain: Domain;
  readonly folder: string;
  /** As it was before the backup began. */
  readonly room: Room;
  /** Measures it again; undefined where that costs too much: then the growth of the files is counted. */
  readonly measure?: (o: Cancel) => Promise<Room | undefined>;
  readonly socket: string;
}

/** Ends a backup before what guests overwrite meanwhile fills the disk of their host, which would stop them. */
export class ScratchWatch implements AsyncDisposable {
  readonly #watched: WatchedScratch;
  readonly #stop = new AbortController();
  readonly #over: Promise<void>;
  #failure: HyperError | undefined;

  constructor(watched: WatchedScratch) {
    this.#watched = watched;
    this.#over = this.#watch();
  }

  /** Why the backup was ended. */
  get failure(): HyperError | undefined {
    return this.#failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#over;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    const { folder, room } = this.#watched;
    while (!signal.aborted) {
      // A daemon that does not answer now may do so next time.
      const free = await this.#findFree().catch(() => undefined);
      if (free !== undefined && free < reserveOf(room) && !signal.aborted) {
        const used = await this.#findUsed().catch(() => undefined);
        const share = used === undefined ? '' : `; what the guest overwrote since the backup began takes ${formatBytes(used)}`;
        this.#failure = scratchFull(
          folder,
          `only ${formatBytes(Math.max(0, free))} were left, and the backup was ended for the guests' sake${share}`,
        );
        if (await this.#tryEnd()) return;
      }
      await delay(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** False when the backup may still go on, and has to be ended by the next look: until then it goes on filling the disk. */
  async #tryEnd(): Promise<boolean> {
    try {
      await this.#end();
      return true;
    } catch {
      return false;
    }
  }

  /** A guest that found no room in between was stopped by QEMU, which tries again what failed when it goes on. */
  async #end(): Promise<void> {
    const { caller, domain, socket } = this.#watched;
    await endBackup(caller, domain, socket);
    const { state, reason } = await caller.call(procedures.domainGetState, { domain, flags: 0 }, undoing());
    if (state === DomainState.paused && reason === PAUSED_BY_IO_ERROR) await caller.call(procedures.domainResume, { domain }, undoing());
  }

  async #findFree(): Promise<number | undefined> {
    const { measure, room } = this.#watched;
    if (measure) return (await measure({ signal: this.#stop.signal }))?.free;
    const used = await this.#findUsed();
    return used === undefined ? undefined : room.free - used;
  }

  /** "disk_temp_used": what the scratch files hold by now. */
  async #findUsed(): Promise<number | undefined> {
    const { caller, domain } = this.#watched;
    const { params } = await caller.call(procedures.domainGetJobStats, { domain, flags: 0 }, { signal: this.#stop.signal });
    const used = params.find(({ field }) => field === 'disk_temp_used')?.value;
    return typeof used === 'bigint' ? Number(used) : undefined;
  }
}
