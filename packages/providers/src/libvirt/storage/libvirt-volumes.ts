import { HyperError, type VolumeInfo, type VolumeRef } from '@hypersdk/domain';
import type { Cancel, VolumePiece, Volumes, VolumeWish } from '@hypersdk/ports';
import { unstoppable } from '../backup/run-effects.ts';
import type { LibvirtConnection } from '../libvirt-connection.ts';
import { deleteVolume } from '../restore/storage.ts';
import { procedures, type StoragePool, type StorageVolume } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import { doesNotRun, requirePool } from './libvirt-storage-pools.ts';
import { requireUnused } from './require-unused.ts';
import { readVolumeXml, toVolumeXml } from './volume-xml.ts';

/** VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM and its counterpart. */
const SPARSE = 1;

export interface VolumePlace {
  readonly caller: Caller;
  /** Another connection for content, so that a full pipe holds up no call. */
  openConnection(o: Cancel): Promise<LibvirtConnection>;
}

/** What lies in the storage pools of a libvirt host. */
export class LibvirtVolumes implements Volumes {
  readonly #place: VolumePlace;
  readonly #client: Caller;

  constructor(place: VolumePlace) {
    this.#place = place;
    this.#client = place.caller;
  }

  async list(name: string, o: Cancel): Promise<readonly VolumeInfo[]> {
    const pool = await requirePool(this.#client, name, o);
    const { volumes } = await this.#inPool(pool, this.#client.call(procedures.poolListAllVolumes, { pool, needsResults: 1, flags: 0 }, o));
    const described = await Promise.all(volumes.map((volume) => describeVolume(this.#client, volume, o)));
    return described.filter((volume) => volume !== undefined);
  }

  async get(ref: VolumeRef, o: Cancel): Promise<VolumeInfo> {
    return (await findVolume(this.#client, ref, o)).described;
  }

  async create(wish: VolumeWish, o: Cancel): Promise<VolumeInfo> {
    requireVolumeName(wish.name);
    requireSize(wish.virtualSize);
    if (wish.backing && wish.format !== 'qcow2') throw new HyperError('usage/invalid', 'Only a volume in qcow2 can lie on another one.');
    const pool = await requirePool(this.#client, wish.pool, o);
    const below = wish.backing && (await this.get(wish.backing, o));
    const { volume } = await this.#inPool(
      pool,
      this.#client.call(procedures.volumeCreateXml, { pool, xml: toVolumeXml(wish, below), flags: 0 }, unstoppable),
    ).catch((error: unknown) => {
      if (isRefusal(error, ServerCode.volumeExists)) throw new HyperError('volume/exists', `There is a volume ${wish.name} in ${wish.pool} already.`);
      throw error;
    });
    try {
      o.signal.throwIfAborted();
      return await this.get(wish, o);
    } catch (error) {
      await deleteVolume(this.#client, volume).catch(() => {});
      throw error;
    }
  }

  async resize(ref: VolumeRef, { virtualSize, ...o }: Cancel & { readonly virtualSize: number }): Promise<VolumeInfo> {
    requireSize(virtualSize);
    const { volume, described } = await findVolume(this.#client, ref, o);
    if (virtualSize < described.virtualSize)
      throw new HyperError('usage/invalid', `The volume ${ref.name} has ${described.virtualSize} bytes: it is not cut to ${virtualSize}.`);
    await requireUnused(this.#client, described, o);
    if (virtualSize > described.virtualSize)
      await this.#client.call(procedures.volumeResize, { volume, capacity: BigInt(virtualSize), flags: 0 }, unstoppable);
    return this.get(ref, o);
  }

  async delete(ref: VolumeRef, o: Cancel): Promise<void> {
    const { volume, described } = await findVolume(this.#client, ref, o);
    await requireUnused(this.#client, described, o);
    o.signal.throwIfAborted();
    await deleteVolume(this.#client, volume);
  }

  async upload(ref: VolumeRef, { pieces, signal }: Cancel & { readonly pieces: AsyncIterable<VolumePiece> }): Promise<void> {
    const { volume, described } = await findVolume(this.#client, ref, { signal });
    await requireUnused(this.#client, described, { signal });
    await using link = await this.#place.openConnection({ signal });
    await link.client.upload(procedures.volumeUpload, { volume, offset: 0n, length: 0n, flags: SPARSE }, { signal, pieces });
  }

  async *download(ref: VolumeRef, o: Cancel): AsyncGenerator<VolumePiece> {
    const { volume } = await findVolume(this.#client, ref, o);
    await using link = await this.#place.openConnection(o);
    yield* link.client.download(procedures.volumeDownload, { volume, offset: 0n, length: 0n, flags: SPARSE }, o);
  }

  async #inPool<Answer>({ name }: StoragePool, call: Promise<Answer>): Promise<Answer> {
    return call.catch((error: unknown) => {
      if (isRefusal(error, ServerCode.operationInvalid)) throw doesNotRun(name);
      throw error;
    });
  }
}

/** Undefined for a volume that is gone meanwhile. */
async function describeVolume(client: Caller, volume: StorageVolume, o: Cancel): Promise<VolumeInfo | undefined> {
  try {
    return readVolumeXml((await client.call(procedures.volumeGetXml, { volume, flags: 0 }, o)).xml, volume.pool);
  } catch (error) {
    // Its file was taken away behind the back of its pool.
    if (isRefusal(error, ServerCode.noVolume, ServerCode.systemError)) return undefined;
    throw error;
  }
}

export interface FoundVolume {
  readonly volume: StorageVolume;
  readonly described: VolumeInfo;
}

export async function findVolume(client: Caller, { pool: poolName, name }: VolumeRef, o: Cancel): Promise<FoundVolume> {
  const pool = await requirePool(client, poolName, o);
  try {
    const { volume } = await client.call(procedures.volumeLookupByName, { pool, name }, o);
    const described = await describeVolume(client, volume, o);
    if (described) return { volume, described };
  } catch (error) {
    if (isRefusal(error, ServerCode.operationInvalid)) throw doesNotRun(poolName);
    if (!isRefusal(error, ServerCode.noVolume)) throw error;
  }
  throw new HyperError('volume/not-found', `There is no volume ${JSON.stringify(name.slice(0, 80))} in ${poolName}.`, {
    detail: { pool: poolName, volume: name },
  });
}

/** What would be another path, or not be shown, or not fit. */
export function requireVolumeName(name: string): void {
  if (/^[^/\p{Cc}]{1,200}$/u.test(name) && !name.startsWith('.') && name.trim() === name) return;
  throw new HyperError(
    'usage/invalid',
    `${JSON.stringify(name.slice(0, 80))} is no name for a volume: it is too long, hidden, or has a slash in it.`,
  );
}

function requireSize(size: number): void {
  if (Number.isSafeInteger(size) && size >= 0) return;
  throw new HyperError('usage/invalid', `A volume has a whole number of bytes, and not ${size}.`);
}
