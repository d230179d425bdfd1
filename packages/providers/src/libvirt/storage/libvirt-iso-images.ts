import {
  HyperError,
  toConnectionId,
  type CdromDrive,
  type IsoImage,
  type SourceEffect,
  type VMId,
  type VolumeInfo,
  type VolumeRef,
} from '@hypersdk/domain';
import type { Cancel, IsoImages, IsoUpload, IsoUploadOptions, SourceWork } from '@hypersdk/ports';
import { undoing, unstoppable } from '../backup/run-effects.ts';
import { volumePath } from '../restore/restore-names.ts';
import { deleteVolume, findPool, makeVolume, requireRoom } from '../restore/storage.ts';
import { type StorageVolume } from '../rpc/procedures.ts';
import type { RpcClient } from '../rpc/rpc-client.ts';
import { putIn, readDrives, takeOut } from './cdrom-drives.ts';
import { ISO_HEAD_SIZE, parseIsoDescriptor } from '../../iso-descriptor.ts';
import { fillIso, readStart, runOfMark, splitHead } from './iso-upload.ts';
import { LibvirtStoragePools } from './libvirt-storage-pools.ts';
import { findVolume, LibvirtVolumes, requireVolumeName, type VolumePlace } from './libvirt-volumes.ts';

export interface IsoPlace extends VolumePlace {
  readonly work: SourceWork;
  /** The connection's name in the journal. */
  readonly name: string;
}

/** Images of discs in the pools of a libvirt host, and the drives of its domains. */
export class LibvirtIsoImages implements IsoImages {
  readonly #place: IsoPlace;
  readonly #pools: LibvirtStoragePools;
  readonly #volumes: LibvirtVolumes;

  constructor(place: IsoPlace) {
    this.#place = place;
    this.#pools = new LibvirtStoragePools(place.caller);
    this.#volumes = new LibvirtVolumes(place);
  }

  async list({ pool, onProblem, ...o }: Parameters<IsoImages['list']>[0]): Promise<readonly IsoImage[]> {
    const pools = pool === undefined ? await this.#pools.list(o) : [await this.#pools.get(pool, o)];
    const found: IsoImage[] = [];
    await using link = await this.#place.openConnection(o);
    for (const { name, state } of pools) {
      if (pool === undefined && state !== 'running' && state !== 'degraded') continue;
      for (const volume of (await this.#volumes.list(name, o)).filter(isCandidate)) {
        const image = await this.#look(link.client, volume, { ...o, onProblem });
        if (image) found.push(image);
      }
    }
    return found;
  }

  async upload(image: IsoUpload, o: IsoUploadOptions): Promise<IsoImage> {
    requireWish(image);
    const { caller, work } = this.#place;
    const found = await findPool(caller, image.pool, o);
    requireRoom(found, image.fileSize);
    await this.#requireFree(image, o);
    const { head, rest } = await splitHead(image.content, Math.min(ISO_HEAD_SIZE, image.fileSize));
    try {
      const { spaceSize } = parseIsoDescriptor(head);
      if (spaceSize > image.fileSize)
        throw new HyperError(
          'image/malformed',
          `${image.name} is cut short: the disc says that it has ${spaceSize} bytes, and it has ${image.fileSize}.`,
        );
      await using link = await this.#place.openConnection(o);
      const effect = this.#effectOf(image);
      await work.effects.intend(effect, o);
      const volume = await makeVolume(caller, found.pool, image.name).catch(async (error: unknown) => {
        await work.effects.settle(effect, undoing());
        throw error;
      });
      try {
        o.signal.throwIfAborted();
        await fillIso(link.client, volume, { ...o, image, head, rest, run: work.run });
      } catch (error) {
        await this.#undo(volume, effect);
        throw error;
      }
      await work.effects.settle(effect, undoing());
    } finally {
      await rest.return(undefined);
    }
    const { described } = await findVolume(caller, image, unstoppable);
    return toIsoImage(described, { ...parseIsoDescriptor(head), fileSize: image.fileSize });
  }

  delete(ref: VolumeRef, o: Cancel): Promise<void> {
    return this.#volumes.delete(ref, o);
  }

  async drives(id: VMId, o: Cancel): Promise<readonly CdromDrive[]> {
    return (await readDrives(this.#place.caller, id, o)).drives.map(({ drive }) => drive);
  }

  async attach(id: VMId, ref: VolumeRef, { drive, ...o }: Cancel & { readonly drive?: string }): Promise<CdromDrive> {
    const { caller } = this.#place;
    const drives = await readDrives(caller, id, o);
    const { volume, described } = await findVolume(caller, ref, o);
    await using link = await this.#place.openConnection(o);
    // A guest is not given what somebody else is still writing.
    parseIsoDescriptor(await readStart(link.client, volume, { ...o, size: ISO_HEAD_SIZE }));
    return await putIn(caller, drives, { ...o, volume: described, ...(drive === undefined ? {} : { drive }) });
  }

  async detach(id: VMId, o: Cancel & { readonly drive?: string }): Promise<void> {
    await takeOut(this.#place.caller, await readDrives(this.#place.caller, id, o), o);
  }

  async #look(
    client: RpcClient,
    volume: VolumeInfo,
    { onProblem, ...o }: Cancel & { readonly onProblem: ((problem: string) => void) | undefined },
  ): Promise<IsoImage | undefined> {
    try {
      const found = await findVolume(this.#place.caller, volume, o);
      const start = await readStart(client, found.volume, { ...o, size: ISO_HEAD_SIZE });
      if (runOfMark(start) !== undefined) {
        onProblem?.(`${volume.pool}/${volume.name}: its upload is not finished.`);
        return undefined;
      }
      return toIsoImage(volume, { ...parseIsoDescriptor(start), fileSize: volume.virtualSize });
    } catch (error) {
      o.signal.throwIfAborted();
      if (!(error instanceof HyperError) || client.failure) throw error;
      // It went away meanwhile, or is none, or cannot be read: the others are listed all the same.
      if (error.code !== 'volume/not-found') onProblem?.(`${volume.pool}/${volume.name}: ${error.message}`);
      return undefined;
    }
  }

  async #requireFree(ref: VolumeRef, o: Cancel): Promise<void> {
    try {
      await findVolume(this.#place.caller, ref, o);
    } catch (error) {
      if (error instanceof HyperError && error.code === 'volume/not-found') return;
      throw error;
    }
    throw new HyperError('volume/exists', `There is a volume ${ref.name} in ${ref.pool} already.`);
  }

  /** What cannot be taken away stays written down, and is found later by its mark. */
  async #undo(volume: StorageVolume, effect: SourceEffect): Promise<void> {
    try {
      await deleteVolume(this.#place.caller, volume);
      await this.#place.work.effects.settle(effect, undoing());
    } catch {
      // Why it was given up is what has to be told; the journal keeps this.
    }
  }

  #effectOf({ pool, name }: VolumeRef): SourceEffect {
    const connection = toConnectionId(this.#place.name);
    return { run: this.#place.work.run, provider: 'libvirt', connection, kind: 'volume', name: volumePath({ name: pool }, name) };
  }
}

/** Those that are called so, and those that libvirt recognized. */
export const isCandidate = ({ name, kind, format }: VolumeInfo): boolean =>
  (kind === 'file' || kind === 'block') && (format === 'iso' || (/\.iso$/i.test(name) && (format === undefined || format === 'raw')));

const toIsoImage = (
  { pool, name, path }: VolumeInfo,
  { label, isBootable, fileSize }: Pick<IsoImage, 'isBootable' | 'fileSize'> & { readonly label?: string },
): IsoImage => ({ pool, name, path, fileSize, ...(label === undefined ? {} : { label }), isBootable });

function requireWish({ name, fileSize, digest }: IsoUpload): void {
  requireVolumeName(name);
  if (!/\.iso$/i.test(name))
    throw new HyperError('usage/invalid', `${JSON.stringify(name)} does not end with .iso, by which images of discs are known.`);
  if (!Number.isSafeInteger(fileSize) || fileSize < 1)
    throw new HyperError('usage/invalid', `An image has a whole number of bytes, and not ${fileSize}.`);
  if (!/^[0-9a-f]{64}$/.test(digest)) throw new HyperError('usage/invalid', 'The digest of an image is 64 lower-case hexadecimal digits of SHA-256.');
}
