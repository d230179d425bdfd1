import { HyperError, type Consistency, type SourceEffect, type VMInfo } from '@hypersdk/domain';
import type { Cancel, EffectJournal, ExportableDisk, ExportLease } from '@hypersdk/ports';
import type { LibvirtTransport } from '../libvirt-uri.ts';
import type { Domain } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { endBackup, findBackup } from './backup-job.ts';
import { undoCheckpoints } from './forget-checkpoints.ts';
import { LossWatch } from './loss-watch.ts';
import type { Road } from './open-road.ts';
import { stopForgotten } from './forgotten-backup.ts';
import { removeScratch } from './remove-scratch.ts';
import { settleAll, undoing } from './run-effects.ts';
import type { ScratchWatch } from './scratch-watch.ts';
import { stopPaused } from './start-paused.ts';

/** Where backups are made. */
export interface BackupServer {
  readonly caller: Caller;
  readonly transport: LibvirtTransport;
}

/** A backup, and all that was made for it. */
export interface MadeBackup extends BackupServer {
  readonly effects: EffectJournal;
  readonly domain: Domain;
  readonly socket: string;
  readonly tag: string;
  /** As it was journalled. */
  readonly made: readonly SourceEffect[];
  /** Carries the readers to a server elsewhere. */
  readonly road?: Road;
}

export interface HeldBackup extends MadeBackup {
  readonly vm: VMInfo;
  readonly consistency: Consistency;
  readonly disks: readonly ExportableDisk[];
  /** Checkpoints that nobody will ask about any more once this backup is an export. */
  readonly replaced: readonly string[];
  readonly scratch?: ScratchWatch;
}

/** A VM whose disks are read at the moment in which its backup began, while it goes on. */
export class BackupLease implements ExportLease {
  readonly vm: VMInfo;
  readonly consistency: Consistency;
  readonly disks: readonly ExportableDisk[];
  readonly #held: HeldBackup;
  readonly #watch: LossWatch;
  #isComplete = false;
  #ended: Promise<void> | undefined;

  constructor(held: HeldBackup) {
    this.#held = held;
    this.vm = held.vm;
    this.consistency = held.consistency;
    this.disks = held.disks;
    this.#watch = new LossWatch((o) => this.check(o));
  }

  get lost(): AbortSignal {
    return this.#watch.lost;
  }

  async check(o: Cancel): Promise<void> {
    o.signal.throwIfAborted();
    const { caller, domain, socket, road, scratch } = this.#held;
    const failure = scratch?.failure ?? road?.failure;
    if (failure) throw failure;
    if ((await findBackup(caller, domain, o))?.socket === socket) return;
    throw new HyperError(
      'source/changed',
      `The backup of the VM ${domain.name} ended before all of it was read: the VM was stopped, or somebody aborted it.`,
      {
        detail: { vm: domain.uuid, socket },
      },
    );
  }

  /** The old checkpoint stops being kept first: killed in between, the next export may be a full one, and nothing stays that nobody knows of. */
  async complete(o: Cancel): Promise<void> {
    const { effects, made } = this.#held;
    for (const effect of await this.#findReplaced(o)) await effects.intend(effect, o);
    for (const effect of made) if (effect.kind === 'checkpoint') await effects.keep(effect, o);
    this.#isComplete = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    await this.#watch[Symbol.asyncDispose]();
    await this.#held.scratch?.[Symbol.asyncDispose]();
    if (!this.#isComplete) return await undoBackup(this.#held);
    const made = this.#held.made.filter(({ kind }) => kind !== 'checkpoint');
    try {
      await undoBackup({ ...this.#held, made: [...made, ...(await this.#findReplaced(undoing()))] });
    } catch (error) {
      throw this.#notTidied(error);
    }
  }

  /** What was recorded since the old checkpoint is recorded by the new one, too. */
  async #findReplaced(o: Cancel): Promise<readonly SourceEffect[]> {
    const { effects, replaced } = this.#held;
    return (await effects.list(o))
      .map(({ effect }) => effect)
      .filter(({ kind, vm, name }) => kind === 'checkpoint' && vm === this.vm.id && replaced.includes(name));
  }

  #notTidied(cause: unknown): HyperError {
    const { code, message } = cause instanceof HyperError ? cause : { code: 'libvirt/failed' as const, message: String(cause) };
    return new HyperError(
      code,
      `The export of ${this.vm.name} is whole, but not all that was made for it at its source could be taken away, which hyperexport residue --remove does: ${message}`,
      { cause, detail: { vm: this.vm.id } },
    );
  }
}

/** Takes away all that was made, each thing also when another could not be: nobody reads any more, the job ends with its scratch files, then what it held is free. */
export async function undoBackup({ caller, transport, effects, domain, socket, tag, made, road }: MadeBackup): Promise<void> {
  await using undone = new AsyncDisposableStack();
  const of = (...kinds: readonly SourceEffect['kind'][]): readonly SourceEffect[] => made.filter(({ kind }) => kinds.includes(kind));
  // The last one comes first.
  undone.defer(async () => {
    for (const effect of of('vm')) {
      await stopPaused(caller, domain, tag);
      await settleAll(effects, [effect]);
    }
  });
  undone.defer(() => undoCheckpoints(caller, domain, { tag, effects: made, journal: effects }));
  undone.defer(async () => {
    const isEnded = await endBackup(caller, domain, socket);
    const isForgotten = await stopForgotten({ caller, transport }, domain, socket);
    // A job that ends takes its files along; far away, looking after them costs more than they do.
    if (!isEnded || isForgotten || transport.kind === 'unix')
      for (const { name } of of('scratch-file')) await removeScratch({ caller, transport }, name, undoing());
    await settleAll(effects, of('backup-job', 'scratch-file'));
  });
  if (road) undone.use(road);
}
