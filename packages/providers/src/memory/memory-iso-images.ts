import { createHash } from 'node:crypto';
import { HyperError, type CdromDrive, type IsoImage, type VMId, type VolumeInfo, type VolumeRef } from '@hypersdk/domain';
import type { Cancel, IsoImages, IsoUpload, IsoUploadOptions } from '@hypersdk/ports';
import { parseIsoDescriptor } from '../iso-descriptor.ts';
import type { MemoryInventory } from './memory-inventory.ts';
import type { MemoryStoragePools } from './memory-storage-pools.ts';
import { MemoryVolumes } from './memory-volumes.ts';

/** The only drive that a VM has, from the first disc on. */
const DRIVE = 'cd0';

/** Images of discs among the volumes, and a drive for each VM. */
export class MemoryIsoImages implements IsoImages {
  readonly #inventory: MemoryInventory;
  readonly #pools: MemoryStoragePools;
  readonly #volumes: MemoryVolumes;
  readonly #drives = new Map<VMId, CdromDrive>();

  constructor(inventory: MemoryInventory, pools: MemoryStoragePools) {
    this.#inventory = inventory;
    this.#pools = pools;
    this.#volumes = new MemoryVolumes(pools, (path) => this.isUsed(path));
  }

  isUsed(path: string): boolean {
    return [...this.#drives.values()].some(({ location }) => location === path);
  }

  async list({ pool, ...o }: Cancel & { readonly pool?: string }): Promise<readonly IsoImage[]> {
    const pools = pool === undefined ? (await this.#pools.list(o)).filter(({ state }) => state === 'running').map(({ name }) => name) : [pool];
    const volumes = await Promise.all(pools.map((name) => this.#volumes.list(name, o)));
    return volumes
      .flat()
      .filter(({ name }) => name.endsWith('.iso'))
      .map((volume) => this.#toImage(volume, o));
  }

  async upload({ pool, name, fileSize, digest, content }: IsoUpload, { onProgress, ...o }: IsoUploadOptions): Promise<IsoImage> {
    this.#pools.volumesOf(pool, o);
    const pieces: Uint8Array[] = [];
    let settled = 0;
    for await (const piece of content) {
      pieces.push(piece);
      settled += piece.length;
      onProgress?.({ stage: 'copying', settled });
      o.signal.throwIfAborted();
    }
    const bytes = Buffer.concat(pieces);
    if (parseIsoDescriptor(bytes).spaceSize > fileSize) throw new HyperError('image/malformed', `${name} is cut short.`);
    if (bytes.length !== fileSize || createHash('sha256').update(bytes).digest('hex') !== digest)
      throw new HyperError('verify/mismatch', `${name} is not what it was said to be.`);
    const volume = await this.#volumes.create({ pool, name, format: 'raw', virtualSize: fileSize, allocation: 'sparse' }, o);
    this.#pools.volumesOf(pool, o).set(name, { info: volume, bytes });
    return this.#toImage(volume, o);
  }

  delete(ref: VolumeRef, o: Cancel): Promise<void> {
    return this.#volumes.delete(ref, o);
  }

  async drives(id: VMId, o: Cancel): Promise<readonly CdromDrive[]> {
    await this.#inventory.get(id, o);
    const drive = this.#drives.get(id);
    return drive ? [drive] : [];
  }

  async attach(id: VMId, ref: VolumeRef, { drive = DRIVE, ...o }: Cancel & { readonly drive?: string }): Promise<CdromDrive> {
    await this.#inventory.get(id, o);
    requireDrive(drive);
    const image = this.#toImage(await this.#volumes.get(ref, o), o);
    const filled = { drive, location: image.path };
    this.#drives.set(id, filled);
    return filled;
  }

  async detach(id: VMId, { drive = DRIVE, ...o }: Cancel & { readonly drive?: string }): Promise<void> {
    await this.#inventory.get(id, o);
    requireDrive(drive);
    if (this.#drives.has(id)) this.#drives.set(id, { drive });
  }

  #toImage({ pool, name, path, virtualSize }: VolumeInfo, o: Cancel): IsoImage {
    const { label, isBootable } = parseIsoDescriptor(this.#pools.volumesOf(pool, o).get(name)?.bytes ?? new Uint8Array(0));
    return { pool, name, path, fileSize: virtualSize, isBootable, ...(label === undefined ? {} : { label }) };
  }
}

function requireDrive(drive: string): void {
  if (drive !== DRIVE) throw new HyperError('vm/no-drive', `There is no drive ${drive}.`);
}
