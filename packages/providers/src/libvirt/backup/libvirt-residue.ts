import { HyperError, toVMId, type SourceEffect } from '@hypersdk/domain';
import type { Cancel, Residue } from '@hypersdk/ports';
import { findDomain } from '../find-domain.ts';
import { type Domain, procedures } from '../rpc/procedures.ts';
import type { BackupServer } from './backup-lease.ts';
import { endBackup, findBackup, thaw } from './backup-job.ts';
import { runOf } from './effect-names.ts';
import { forgetCheckpoints } from './forget-checkpoints.ts';
import { stopForgotten } from './forgotten-backup.ts';
import { listCheckpoints } from './plan-changes.ts';
import { removeScratch } from './remove-scratch.ts';
import { effectAt, undoing } from './run-effects.ts';
import { findStarter, stopPaused } from './start-paused.ts';

/** VIR_CONNECT_LIST_DOMAINS_ACTIVE. */
const LIST_ACTIVE = 1;

/** What our runs left at a libvirt server. */
export class LibvirtResidue implements Residue {
  readonly #server: BackupServer;
  readonly #name: string;

  constructor(server: BackupServer, name: string) {
    this.#server = server;
    this.#name = name;
  }

  async *find({ signal }: Cancel): AsyncGenerator<SourceEffect> {
    const { caller: client } = this.#server;
    const all = await client.call(procedures.listAllDomains, { needsResults: 1, flags: 0 }, { signal });
    const active = await client.call(procedures.listAllDomains, { needsResults: 1, flags: LIST_ACTIVE }, { signal });
    const isActive = new Set(active.domains.map(({ uuid }) => uuid));
    for (const domain of all.domains) {
      yield* this.#inDomain(domain, await listCheckpoints(client, domain, { signal }), 'checkpoint');
      if (!isActive.has(domain.uuid)) continue;
      const backup = await findBackup(client, domain, { signal });
      if (backup?.socket !== undefined) yield* this.#inDomain(domain, [backup.socket], 'backup-job');
      const starter = await findStarter(client, domain, { signal });
      if (starter !== undefined) yield* this.#inDomain(domain, [starter], 'vm');
    }
  }

  *#inDomain({ uuid }: Domain, names: Iterable<string>, kind: SourceEffect['kind']): Generator<SourceEffect> {
    for (const name of names) {
      const run = runOf(name);
      if (run !== undefined) yield effectAt({ run, connection: this.#name, uuid }, kind, name);
    }
  }

  async undo(effect: SourceEffect, { signal }: Cancel): Promise<boolean> {
    signal.throwIfAborted();
    if (effect.kind === 'scratch-file') return await removeScratch(this.#server, effect.name, { signal });
    const domain = await this.#findDomain(effect);
    if (!domain) return false;
    const { caller: client } = this.#server;
    switch (effect.kind) {
      case 'backup-job':
        await thaw(client, domain).catch(() => {});
        return [await endBackup(client, domain, effect.name), await stopForgotten(this.#server, domain, effect.name)].includes(true);
      case 'checkpoint':
        return (await forgetCheckpoints(client, domain, { tag: effect.name, names: [effect.name] })).length > 0;
      case 'vm':
        return await stopPaused(client, domain, effect.name);
      default:
        throw new HyperError('internal/unexpected', `Nothing of the kind ${effect.kind} is made at a libvirt server.`);
    }
  }

  async #findDomain({ vm }: SourceEffect): Promise<Domain | undefined> {
    try {
      return await findDomain(this.#server.caller, vm ?? toVMId(''), undoing());
    } catch (error) {
      if (error instanceof HyperError && error.code === 'vm/not-found') return undefined;
      throw error;
    }
  }
}
