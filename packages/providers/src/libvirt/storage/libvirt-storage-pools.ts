import { HyperError, type StoragePoolInfo, type StoragePoolState } from '@hypersdk/domain';
import type { Cancel, StoragePools } from '@hypersdk/ports';
import { childNamed, parseXml } from '@hypersdk/wire';
import { present, tidyText } from '../../said-fields.ts';
import { lookUpPool } from '../restore/storage.ts';
import { procedures, type StoragePool } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';

/** virStoragePoolState. */
const STATES: Readonly<Record<number, StoragePoolState>> = { 0: 'stopped', 1: 'building', 2: 'running', 3: 'degraded', 4: 'inaccessible' };
const RUNNING: readonly StoragePoolState[] = ['running', 'degraded'];

/** The storage pools of a libvirt host. */
export class LibvirtStoragePools implements StoragePools {
  readonly #client: Caller;

  constructor(client: Caller) {
    this.#client = client;
  }

  async list(o: Cancel): Promise<readonly StoragePoolInfo[]> {
    o.signal.throwIfAborted();
    const pools = await listPools(this.#client, o);
    const described = await Promise.all(pools.map((pool) => this.#describe(pool, o)));
    return described.filter((pool) => pool !== undefined);
  }

  async get(name: string, o: Cancel): Promise<StoragePoolInfo> {
    return (await this.#describe(await requirePool(this.#client, name, o), o)) ?? raiseNoPool(name);
  }

  async start(name: string, o: Cancel): Promise<void> {
    const { pool, isRunning } = await this.#look(name, o);
    if (!isRunning) await this.#client.call(procedures.poolCreate, { pool, flags: 0 }, o);
  }

  async stop(name: string, o: Cancel): Promise<void> {
    const { pool, isRunning } = await this.#look(name, o);
    if (isRunning) await this.#client.call(procedures.poolDestroy, { pool }, o);
  }

  async refresh(name: string, o: Cancel): Promise<void> {
    const { pool, isRunning } = await this.#look(name, o);
    if (!isRunning) throw doesNotRun(name);
    await this.#client.call(procedures.poolRefresh, { pool, flags: 0 }, o);
  }

  async #look(name: string, o: Cancel): Promise<{ readonly pool: StoragePool; readonly isRunning: boolean }> {
    const pool = await requirePool(this.#client, name, o);
    const { state } = await this.#client.call(procedures.poolGetInfo, { pool }, o);
    return { pool, isRunning: RUNNING.includes(STATES[state] ?? 'unknown') };
  }

  /** Undefined for a pool that is gone meanwhile. */
  async #describe(pool: StoragePool, o: Cancel): Promise<StoragePoolInfo | undefined> {
    try {
      const [said, { xml }, autostart] = await Promise.all([
        this.#client.call(procedures.poolGetInfo, { pool }, o),
        this.#client.call(procedures.poolGetXml, { pool, flags: 0 }, o),
        this.#readAutostart(pool, o),
      ]);
      const state = STATES[said.state] ?? 'unknown';
      const described = parseXml(xml);
      const sizes = RUNNING.includes(state) ? [said.capacity, said.allocation, said.available].map(toSize) : [];
      return {
        name: pool.name,
        type: tidyText(described.attributes.get('type')) ?? 'unknown',
        state,
        autostart,
        ...present({
          path: tidyText(childNamed(described, 'target', 'path')?.text),
          capacity: sizes[0],
          allocation: sizes[1],
          available: sizes[2],
        }),
      };
    } catch (error) {
      if (isRefusal(error, ServerCode.noPool)) return undefined;
      throw error;
    }
  }

  /** A pool that is gone when it is stopped is not started with its host either. */
  async #readAutostart(pool: StoragePool, o: Cancel): Promise<boolean> {
    try {
      return (await this.#client.call(procedures.poolGetAutostart, { pool }, o)).autostart === 1;
    } catch (error) {
      if (isRefusal(error, ServerCode.operationInvalid, ServerCode.internal, ServerCode.invalidArgument)) return false;
      throw error;
    }
  }
}

export async function requirePool(client: Caller, name: string, o: Cancel): Promise<StoragePool> {
  o.signal.throwIfAborted();
  return (await lookUpPool(client, name, o)) ?? raiseNoPool(name);
}

/** A host without storage has no pools. */
export async function listPools(client: Caller, o: Cancel): Promise<readonly StoragePool[]> {
  try {
    return (await client.call(procedures.listAllPools, { needsResults: 1, flags: 0 }, o)).pools;
  } catch (error) {
    if (isRefusal(error, ServerCode.noSupport)) return [];
    throw error;
  }
}

export const doesNotRun = (name: string): HyperError =>
  new HyperError('storage-pool/unfit', `The storage pool ${name} does not run.`, { detail: { pool: name } });

function raiseNoPool(name: string): never {
  throw new HyperError('storage-pool/not-found', `There is no storage pool ${JSON.stringify(name.slice(0, 80))} there.`, { detail: { pool: name } });
}

/** What no disk can hold is not a size. */
const toSize = (value: bigint): number | undefined => (value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined);
