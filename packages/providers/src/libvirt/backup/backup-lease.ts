import { HyperError, type Consistency, type SourceEffect, type VMInfo } from '@hypersdk/domain';
import type { Cancel, EffectJournal, ExportableDisk, ExportLease } from '@hypersdk/ports';
import type { LibvirtTransport } from '../libvirt-uri.ts';
import type { Domain } from '../rpc/procedures.ts';
import type { RpcClient } from '../rpc/rpc-client.ts';
import { endBackup, findBackup } from './backup-job.ts';
import { undoCheckpoints } from './forget-checkpoints.ts';
import { removeScratch } from './remove-scratch.ts';
import { settleAll, undoing } from './run-effects.ts';
import { stopPaused } from './start-paused.ts';

/** A backup, and all that was made for it. */
export interface MadeBackup {
  readonly client: RpcClient;
  readonly transport: LibvirtTransport;
  readonly effects: EffectJournal;
  readonly domain: Domain;
  readonly socket: string;
  readonly tag: string;
  /** As it was journalled. */
  readonly made: readonly SourceEffect[];
  /** Carries the readers to a server elsewhere. */
  readonly road?: AsyncDisposable;
}

export interface HeldBackup extends MadeBackup {
  readonly vm: VMInfo;
  readonly consistency: Consistency;
  readonly disks: readonly ExportableDisk[];
  /** Checkpoints that nobody will ask about any more once this backup is an export. */
  readonly replaced: readonly string[];
}

/** A VM whose disks are read at the moment in which its backup began, while it goes on. */
export class BackupLease implements ExportLease {
  readonly vm: VMInfo;
  readonly consistency: Consistency;
  readonly disks: readonly ExportableDisk[];
  readonly #held: HeldBackup;
  #isComplete = false;
  #ended: Promise<void> | undefined;

  constructor(held: HeldBackup) {
    this.#held = held;
    this.vm = held.vm;
    this.consistency = held.consistency;
    this.disks = held.disks;
  }

  async check(o: Cancel): Promise<void> {
    o.signal.throwIfAborted();
    const { client, domain, socket } = this.#held;
    if ((await findBackup(client, domain, o))?.socket === socket) return;
    throw new HyperError(
      'source/changed',
      `The backup of the VM ${domain.name} ended before all of it was read: the VM was stopped, or somebody aborted it.`,
      {
        detail: { vm: domain.uuid, socket },
      },
    );
  }

  async complete(o: Cancel): Promise<void> {
    const { effects, made } = this.#held;
    for (const effect of made) if (effect.kind === 'checkpoint') await effects.keep(effect, o);
    this.#isComplete = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    const { effects, replaced } = this.#held;
    if (!this.#isComplete) return await undoBackup(this.#held);
    // What was recorded since the old checkpoint is recorded by the new one, too.
    const outdated = (await effects.list(undoing())).filter(
      ({ effect, isKept }) => isKept && effect.vm === this.vm.id && replaced.includes(effect.name),
    );
    const made = this.#held.made.filter(({ kind }) => kind !== 'checkpoint');
    await undoBackup({ ...this.#held, made: [...made, ...outdated.map(({ effect }) => effect)] });
  }
}

/** Takes away all that was made, each thing also when another could not be: nobody reads any more, the job ends with its scratch files, then what it held is free. */
export async function undoBackup({ client, transport, effects, domain, socket, tag, made, road }: MadeBackup): Promise<void> {
  await using undone = new AsyncDisposableStack();
  const of = (...kinds: readonly SourceEffect['kind'][]): readonly SourceEffect[] => made.filter(({ kind }) => kinds.includes(kind));
  // The last one comes first.
  undone.defer(async () => {
    for (const effect of of('vm')) {
      await stopPaused(client, domain, tag);
      await settleAll(effects, [effect]);
    }
  });
  undone.defer(() => undoCheckpoints(client, domain, { tag, effects: made, journal: effects }));
  undone.defer(async () => {
    await endBackup(client, domain, socket);
    for (const { name } of of('scratch-file')) await removeScratch(transport, name);
    await settleAll(effects, of('backup-job', 'scratch-file'));
  });
  if (road) undone.use(road);
}
