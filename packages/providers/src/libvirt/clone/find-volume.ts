// libvirt, "Storage pool and volume XML format": the volume that a file is.
import { dirname } from 'node:path/posix';
import type { Cancel } from '@hypersdk/ports';
import { childNamed, parseXml } from '@hypersdk/wire';
import { procedures, type StoragePool, type StorageVolume } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';

/** VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE. */
const LIST_ACTIVE = 2;

/** A pool knows of what it was told, and of what it found when it was last read: one of this folder is read again. */
export async function findVolumeAt(client: Caller, path: string, o: Cancel): Promise<StorageVolume | undefined> {
  const known = await unlessAbsent(client.call(procedures.volumeLookupByPath, { path }, o));
  if (known || !path.startsWith('/')) return known?.volume;
  const pool = await findPoolOf(client, dirname(path), o);
  if (!pool) return undefined;
  await client.call(procedures.poolRefresh, { pool, flags: 0 }, o);
  return (await unlessAbsent(client.call(procedures.volumeLookupByPath, { path }, o)))?.volume;
}

/** The pool that runs and is this folder. */
export async function findPoolOf(client: Caller, folder: string, o: Cancel): Promise<StoragePool | undefined> {
  const answer = await unlessAbsent(client.call(procedures.listAllPools, { needsResults: 1, flags: LIST_ACTIVE }, o));
  for (const pool of answer?.pools ?? []) {
    const description = await unlessAbsent(client.call(procedures.poolGetXml, { pool, flags: 0 }, o));
    if (description && childNamed(parseXml(description.xml), 'target', 'path')?.text === folder) return pool;
  }
  return undefined;
}

/** Undefined where there is no such volume or pool, and where a host has no storage at all. */
export async function unlessAbsent<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isRefusal(error, ServerCode.noVolume, ServerCode.noPool, ServerCode.noSupport)) return undefined;
    throw error;
  }
}
