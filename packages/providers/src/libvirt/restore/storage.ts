// libvirt, "Storage pool and volume XML format".
import { setTimeout as delay } from 'node:timers/promises';
import { HyperError, formatBytes, type ContentDigest } from '@hypersdk/domain';
import type { DiskStream } from '@hypersdk/disk';
import type { Cancel } from '@hypersdk/ports';
import { parseXml, xml, xmlText } from '@hypersdk/wire';
import { undoing, unstoppable } from '../backup/run-effects.ts';
import { procedures, type StoragePool, type StorageVolume } from '../rpc/procedures.ts';
import type { Caller, RpcClient } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';

/** virStoragePoolState. */
const POOL_RUNNING = 2;
/** Kinds of pools whose volumes are files, so that an image of any format can lie there. */
const FILE_POOLS = ['dir', 'fs', 'netfs'];
/** VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM and its counterpart. */
const SPARSE = 1;
/** A stream that was broken off holds its volume for a moment; longer than this it does not. */
const RELEASE_MS = 100;
const RELEASE_TRIES_MAX = 100;

export interface FoundPool {
  readonly pool: StoragePool;
  readonly bytesFree: number;
}

export async function findPool(client: Caller, name: string, o: Cancel): Promise<FoundPool> {
  const pool = await lookUpPool(client, name, o);
  if (!pool) throw new HyperError('storage-pool/not-found', `There is no storage pool ${name} there.`, { detail: { pool: name } });
  const { state, available } = await client.call(procedures.poolGetInfo, { pool }, o);
  if (state !== POOL_RUNNING) throw new HyperError('storage-pool/unfit', `The storage pool ${name} does not run.`, { detail: { pool: name } });
  const kind = parseXml((await client.call(procedures.poolGetXml, { pool, flags: 0 }, o)).xml).attributes.get('type') ?? '';
  if (!FILE_POOLS.includes(kind))
    throw new HyperError('storage-pool/unfit', `The storage pool ${name} is of the kind ${kind}, which holds no image files.`, {
      detail: { pool: name },
    });
  return { pool, bytesFree: Number(available) };
}

export async function lookUpPool(client: Caller, name: string, o: Cancel): Promise<StoragePool | undefined> {
  try {
    return (await client.call(procedures.poolLookupByName, { name }, o)).pool;
  } catch (error) {
    if (isRefusal(error, ServerCode.noPool, ServerCode.noSupport)) return undefined;
    throw error;
  }
}

export function requireRoom({ pool, bytesFree }: FoundPool, bytesNeeded: number): void {
  if (bytesNeeded <= bytesFree) return;
  throw new HyperError(
    'storage-pool/full',
    `The storage pool ${pool.name} has ${formatBytes(bytesFree)} left, and ${formatBytes(bytesNeeded)} may be needed.`,
    { detail: { pool: pool.name, bytesFree, bytesNeeded } },
  );
}

/** An empty file: what is sent brings its own format, and nothing of an older one is left between. */
export async function makeVolume(client: Caller, pool: StoragePool, name: string): Promise<StorageVolume> {
  const description = xml(
    'volume',
    {},
    xml('name', {}, xmlText(name)),
    xml('capacity', { unit: 'bytes' }, '0'),
    xml('target', {}, xml('format', { type: 'raw' })),
  );
  return (await client.call(procedures.volumeCreateXml, { pool, xml: description, flags: 0 }, unstoppable)).volume;
}

interface Sending extends Cancel {
  readonly stream: DiskStream;
  readonly onSettled: (settled: number) => void;
}

/** Fills a volume. Answers what was read on the way. */
export async function fillVolume(client: RpcClient, volume: StorageVolume, { stream, signal, onSettled }: Sending): Promise<ContentDigest> {
  const { promise, resolve } = Promise.withResolvers<ContentDigest>();
  try {
    const pieces = stream.pieces({ signal, onSettled, onRead: resolve });
    await client.upload(procedures.volumeUpload, { volume, offset: 0n, length: 0n, flags: SPARSE }, { signal, pieces });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof HyperError && /No space left on device|Disk quota exceeded/i.test(error.message))
      throw new HyperError('storage-pool/full', `The storage pool ${volume.pool} ran full while ${volume.name} was filled.`, {
        cause: error,
        detail: { pool: volume.pool },
      });
    throw error;
  }
  return promise;
}

/** Reads it back as it was stored. */
export const readVolume = (client: RpcClient, volume: StorageVolume, { stream, signal, onSettled }: Sending): Promise<ContentDigest> =>
  stream.readBack(client.download(procedures.volumeDownload, { volume, offset: 0n, length: 0n, flags: SPARSE }, { signal }), { signal, onSettled });

export const findVolume = async (client: Caller, pool: StoragePool, name: string): Promise<StorageVolume | undefined> => {
  try {
    return (await client.call(procedures.volumeLookupByName, { pool, name }, undoing())).volume;
  } catch (error) {
    if (isRefusal(error, ServerCode.noVolume, ServerCode.noPool, ServerCode.operationInvalid)) return undefined;
    throw error;
  }
};

/** A volume that libvirt still fills by itself is not deleted before that has ended: it has no way to stop it. */
export async function deleteVolume(client: Caller, volume: StorageVolume): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    try {
      await client.call(procedures.volumeDelete, { volume, flags: 0 }, undoing());
      return true;
    } catch (error) {
      if (isRefusal(error, ServerCode.noVolume)) return false;
      if (!isRefusal(error, ServerCode.operationInvalid)) throw error;
      if (tries >= RELEASE_TRIES_MAX) throw inUse(volume, error);
      await delay(RELEASE_MS);
    }
  }
}

const inUse = ({ pool, name }: StorageVolume, cause: HyperError): HyperError =>
  new HyperError('vm/busy', `The volume ${name} of the storage pool ${pool} cannot be removed yet: ${cause.message}`, {
    cause,
    detail: { pool, volume: name },
  });
