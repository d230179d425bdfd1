import { HyperError, type StoragePoolInfo, type VolumeInfo } from '@hypersdk/domain';
import type { Cancel, StoragePools } from '@hypersdk/ports';

/** As large as what tests put there. */
const CAPACITY = 64 * 1024 ** 2;

/** A volume and what lies in it. */
export interface KeptVolume {
  readonly info: VolumeInfo;
  readonly bytes: Uint8Array;
}

interface KeptPool {
  readonly volumes: Map<string, KeptVolume>;
  isRunning: boolean;
}

/** Pools that lie in memory. */
export class MemoryStoragePools implements StoragePools {
  readonly #pools: ReadonlyMap<string, KeptPool>;

  constructor(names: readonly string[]) {
    this.#pools = new Map(names.map((name) => [name, { volumes: new Map(), isRunning: true }]));
  }

  async list({ signal }: Cancel): Promise<readonly StoragePoolInfo[]> {
    signal.throwIfAborted();
    return [...this.#pools].map(([name, pool]) => describe(name, pool));
  }

  async get(name: string, o: Cancel): Promise<StoragePoolInfo> {
    return describe(name, this.#find(name, o));
  }

  async start(name: string, o: Cancel): Promise<void> {
    this.#find(name, o).isRunning = true;
  }

  async stop(name: string, o: Cancel): Promise<void> {
    this.#find(name, o).isRunning = false;
  }

  async refresh(name: string, o: Cancel): Promise<void> {
    this.volumesOf(name, o);
  }

  /** What lies in a pool that runs. */
  volumesOf(name: string, o: Cancel): Map<string, KeptVolume> {
    const pool = this.#find(name, o);
    if (!pool.isRunning) throw new HyperError('storage-pool/unfit', `The pool ${name} does not run.`);
    return pool.volumes;
  }

  #find(name: string, { signal }: Cancel): KeptPool {
    signal.throwIfAborted();
    const pool = this.#pools.get(name);
    if (!pool) throw new HyperError('storage-pool/not-found', `There is no pool ${name}.`);
    return pool;
  }
}

function describe(name: string, { isRunning, volumes }: KeptPool): StoragePoolInfo {
  const of = { name, type: 'memory', autostart: false };
  if (!isRunning) return { ...of, state: 'stopped' };
  const allocation = [...volumes.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  return { ...of, state: 'running', capacity: CAPACITY, allocation, available: CAPACITY - allocation };
}
