// libvirt, "Storage pool and volume XML format". Over the network nobody looks into the scratch folder but libvirt, and that only where it is a storage pool.
import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { findPoolOf } from '../clone/find-volume.ts';
import { deleteVolume, findVolume } from '../restore/storage.ts';
import { procedures, type StoragePool } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import type { Room } from './scratch-room.ts';

/** The pool that the folder is; undefined where there is none that runs. */
export const findScratchPool = (client: Caller, folder: string, o: Cancel): Promise<StoragePool | undefined> => findPoolOf(client, folder, o);

export async function measurePool(client: Caller, folder: string, o: Cancel): Promise<Room | undefined> {
  const pool = await findScratchPool(client, folder, o);
  if (!pool) return undefined;
  await client.call(procedures.poolRefresh, { pool, flags: 0 }, o);
  const { capacity, available } = await client.call(procedures.poolGetInfo, { pool }, o);
  return { size: Number(capacity), free: Number(available) };
}

/** False when it was not there. */
export async function removeThroughPool(client: Caller, path: string, o: Cancel): Promise<boolean> {
  const at = path.lastIndexOf('/');
  const folder = path.slice(0, at);
  const pool = await findScratchPool(client, folder, o);
  if (!pool)
    throw new HyperError(
      'source/forbidden',
      `Whether the scratch file ${path} is still there cannot be known over this connection, since its folder is no storage pool: make one of it (virsh pool-create-as NAME dir --target ${folder}) and try again.`,
    );
  await client.call(procedures.poolRefresh, { pool, flags: 0 }, o);
  const volume = await findVolume(client, pool, path.slice(at + 1));
  return volume !== undefined && (await deleteVolume(client, volume));
}
