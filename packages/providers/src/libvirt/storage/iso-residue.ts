import { toConnectionId, type SourceEffect } from '@hypersdk/domain';
import type { Cancel, Residue } from '@hypersdk/ports';
import { runOf } from '../backup/effect-names.ts';
import { undoing } from '../backup/run-effects.ts';
import { readVolumePath, volumePath } from '../restore/restore-names.ts';
import { deleteVolume, findVolume, lookUpPool } from '../restore/storage.ts';
import type { StorageVolume } from '../rpc/procedures.ts';
import type { RpcClient } from '../rpc/rpc-client.ts';
import { MARK_SIZE, readStart, runOfMark } from './iso-upload.ts';
import { isCandidate } from './libvirt-iso-images.ts';
import { LibvirtStoragePools } from './libvirt-storage-pools.ts';
import { LibvirtVolumes, type VolumePlace } from './libvirt-volumes.ts';

/** Uploads of disc images that did not come to their end, beside what `others` finds. They are called what they were to be called, and known by their mark. */
export class IsoResidue implements Residue {
  readonly #place: VolumePlace & { readonly name: string };
  readonly #others: Residue;

  constructor(place: VolumePlace & { readonly name: string }, others: Residue) {
    this.#place = place;
    this.#others = others;
  }

  async *find(o: Cancel): AsyncGenerator<SourceEffect> {
    yield* this.#others.find(o);
    const { caller, name: connection } = this.#place;
    const volumes = new LibvirtVolumes(this.#place);
    await using link = await this.#place.openConnection(o);
    for (const { name: pool, state } of await new LibvirtStoragePools(caller).list(o)) {
      if (state !== 'running' && state !== 'degraded') continue;
      for (const { name } of (await volumes.list(pool, o)).filter(isCandidate)) {
        const path = volumePath({ name: pool }, name);
        const run = await this.#runAt(link.client, path, o);
        if (run !== undefined) yield { run, provider: 'libvirt', connection: toConnectionId(connection), kind: 'volume', name: path };
      }
    }
  }

  async undo(effect: SourceEffect, o: Cancel): Promise<boolean> {
    const isUpload = effect.kind === 'volume' && runOf(readVolumePath(effect.name).volume) === undefined;
    if (!isUpload) return this.#others.undo(effect, o);
    o.signal.throwIfAborted();
    const volume = await this.#find(effect.name);
    if (!volume) return false;
    // One that was made, and not even marked: there is nothing in it that could be lost.
    const described = await new LibvirtVolumes(this.#place).get({ pool: volume.pool, name: volume.name }, undoing());
    await using link = await this.#place.openConnection(undoing());
    if (described.virtualSize > 0 && (await this.#runAt(link.client, effect.name, undoing())) !== effect.run) return false;
    return await deleteVolume(this.#place.caller, volume);
  }

  /** Whose unfinished upload lies there; undefined when none does. */
  async #runAt(client: RpcClient, path: string, o: Cancel): Promise<string | undefined> {
    const volume = await this.#find(path);
    return volume && runOfMark(await readStart(client, volume, { ...o, size: MARK_SIZE }));
  }

  async #find(path: string): Promise<StorageVolume | undefined> {
    const { pool: name, volume } = readVolumePath(path);
    const pool = await lookUpPool(this.#place.caller, name, undoing());
    return pool && (await findVolume(this.#place.caller, pool, volume));
  }
}
