import { HyperError, type VolumeInfo, type VolumeRef } from '@hypersdk/domain';
import type { Cancel, VolumePiece, Volumes, VolumeWish } from '@hypersdk/ports';
import type { KeptVolume, MemoryStoragePools } from './memory-storage-pools.ts';

/** Volumes whose bytes are kept whatever their format says. */
export class MemoryVolumes implements Volumes {
  readonly #pools: MemoryStoragePools;
  /** Whether something has the volume of this path. */
  readonly #isUsed: (path: string) => boolean;

  constructor(pools: MemoryStoragePools, isUsed: (path: string) => boolean) {
    this.#pools = pools;
    this.#isUsed = isUsed;
  }

  async list(pool: string, o: Cancel): Promise<readonly VolumeInfo[]> {
    return [...this.#pools.volumesOf(pool, o).values()].map(({ info }) => info);
  }

  async get(ref: VolumeRef, o: Cancel): Promise<VolumeInfo> {
    return this.#find(ref, o).info;
  }

  async create({ pool, name, format, virtualSize, backing }: VolumeWish, o: Cancel): Promise<VolumeInfo> {
    const volumes = this.#pools.volumesOf(pool, o);
    if (!/^[^./][^/]*$/.test(name)) throw new HyperError('usage/invalid', 'That is no name of a volume.');
    requireSize(virtualSize);
    if (volumes.has(name)) throw new HyperError('volume/exists', `There is a volume ${name} already.`);
    const below = backing && this.#find(backing, o).info;
    const info: VolumeInfo = {
      pool,
      name,
      path: `${pool}/${name}`,
      kind: 'file',
      format,
      virtualSize,
      allocatedSize: virtualSize,
      ...(below ? { backing: { path: below.path } } : {}),
    };
    volumes.set(name, { info, bytes: new Uint8Array(virtualSize) });
    return info;
  }

  async resize(ref: VolumeRef, { virtualSize, ...o }: Cancel & { readonly virtualSize: number }): Promise<VolumeInfo> {
    const { info, bytes } = this.#find(ref, o);
    requireSize(virtualSize);
    if (virtualSize < info.virtualSize) throw new HyperError('usage/invalid', 'A volume is not cut.');
    this.#requireUnused(info, o);
    const grown = { ...info, virtualSize, allocatedSize: virtualSize };
    const content = new Uint8Array(virtualSize);
    content.set(bytes);
    this.#pools.volumesOf(ref.pool, o).set(ref.name, { info: grown, bytes: content });
    return grown;
  }

  async delete(ref: VolumeRef, o: Cancel): Promise<void> {
    this.#requireUnused(this.#find(ref, o).info, o);
    this.#pools.volumesOf(ref.pool, o).delete(ref.name);
  }

  async upload(ref: VolumeRef, { pieces, signal }: Cancel & { readonly pieces: AsyncIterable<VolumePiece> }): Promise<void> {
    const { info, bytes } = this.#find(ref, { signal });
    this.#requireUnused(info, { signal });
    let at = 0;
    for await (const piece of pieces) {
      signal.throwIfAborted();
      if (piece.kind === 'data') bytes.set(piece.bytes, at);
      at += piece.kind === 'data' ? piece.bytes.length : piece.length;
    }
  }

  async *download(ref: VolumeRef, o: Cancel): AsyncGenerator<VolumePiece> {
    yield { kind: 'data', bytes: this.#find(ref, o).bytes };
  }

  #find({ pool, name }: VolumeRef, o: Cancel): KeptVolume {
    const volume = this.#pools.volumesOf(pool, o).get(name);
    if (!volume) throw new HyperError('volume/not-found', `There is no volume ${name}.`);
    return volume;
  }

  #requireUnused({ pool, path, name }: VolumeInfo, o: Cancel): void {
    const isBelow = [...this.#pools.volumesOf(pool, o).values()].some(({ info }) => info.backing?.path === path);
    if (isBelow || this.#isUsed(path)) throw new HyperError('volume/in-use', `The volume ${name} is in use.`);
  }
}

function requireSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new HyperError('usage/invalid', 'A volume has a whole number of bytes.');
}
