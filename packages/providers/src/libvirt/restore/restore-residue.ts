import { HyperError, toConnectionId, toVMId, type SourceEffect } from '@hypersdk/domain';
import type { Cancel, EffectJournal, Residue } from '@hypersdk/ports';
import { childNamed, childrenNamed, parseXml } from '@hypersdk/wire';
import { isScratch, runOf } from '../backup/effect-names.ts';
import { undoing } from '../backup/run-effects.ts';
import { sourceOf } from '../disk-source.ts';
import { findDomain } from '../find-domain.ts';
import { type Domain, procedures, type StoragePool, type StorageVolume } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import { isRestoreName, readVolumePath, RESTORE_KEY, RESTORE_NAMESPACE, volumePath } from './restore-names.ts';
import { deleteVolume, findVolume, lookUpPool } from './storage.ts';

/** VIR_DOMAIN_METADATA_ELEMENT, VIR_DOMAIN_AFFECT_CONFIG. */
const METADATA_ELEMENT = 2;
const AFFECT_CONFIG = 2;
/** VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE. */
const LIST_ACTIVE = 2;
/** VIR_DOMAIN_UNDEFINE_NVRAM: a definition that never ran has none of its own that is worth keeping. */
const UNDEFINE_NVRAM = 4;

/** What restores left that did not come to their end, beside what `others` finds. */
export class RestoreResidue implements Residue {
  readonly #client: Caller;
  readonly #connection: string;
  readonly #others: Residue;

  constructor(client: Caller, connection: string, others: Residue) {
    this.#client = client;
    this.#connection = connection;
    this.#others = others;
  }

  async *find(o: Cancel): AsyncGenerator<SourceEffect> {
    yield* this.#others.find(o);
    const { domains } = await this.#client.call(procedures.listAllDomains, { needsResults: 1, flags: 0 }, o);
    const finished: Domain[] = [];
    for (const domain of domains) {
      const maker = await findMaker(this.#client, domain, o);
      const run = maker === undefined ? undefined : runOf(maker);
      if (maker === undefined || run === undefined) finished.push(domain);
      else yield madeVM({ run, connection: this.#connection }, { uuid: domain.uuid, name: maker });
    }
    yield* this.#findVolumes(finished, o);
  }

  undo(effect: SourceEffect, o: Cancel): Promise<boolean> {
    if (effect.kind === 'volume') return undoVolume(this.#client, effect, o);
    return effect.kind === 'vm' && isRestoreName(effect.name) ? undoVM(this.#client, effect, o) : this.#others.undo(effect, o);
  }

  /** Volumes with our name that no VM has: those of a finished restore belong to it. */
  async *#findVolumes(owners: readonly Domain[], o: Cancel): AsyncGenerator<SourceEffect> {
    const ours: SourceEffect[] = [];
    for (const pool of await listPools(this.#client, o)) {
      for (const { name } of await listVolumes(this.#client, pool, o)) {
        // Scratch files in a pool are looked after by whoever looks after backups.
        const run = isScratch(name) ? undefined : runOf(name);
        if (run !== undefined) ours.push(madeVolume({ run, connection: this.#connection }, volumePath(pool, name)));
      }
    }
    if (ours.length === 0) return;
    const used = await findUsed(this.#client, owners, o);
    const unused = ours.filter(({ name }) => !used.has(baseOf(name)));
    const below = unused.length === 0 ? used : await findBelow(this.#client, o);
    for (const effect of unused) if (!below.has(baseOf(effect.name))) yield effect;
  }
}

interface Maker {
  readonly run: string;
  readonly connection: string;
}

/** Found again by its name alone, which does not say for which VM it was. */
export const madeVolume = ({ run, connection }: Maker, name: string): SourceEffect => ({
  run,
  provider: 'libvirt',
  connection: toConnectionId(connection),
  kind: 'volume',
  name,
});

export const madeVM = ({ run, connection }: Maker, { uuid, name }: { readonly uuid: string; readonly name: string }): SourceEffect => ({
  run,
  provider: 'libvirt',
  connection: toConnectionId(connection),
  vm: toVMId(uuid),
  kind: 'vm',
  name,
});

/** The VM is whole: whatever happens now, it stays. */
export async function finishVM(client: Caller, domain: Domain): Promise<void> {
  const change = { domain, type: METADATA_ELEMENT, metadata: undefined, key: RESTORE_KEY, uri: RESTORE_NAMESPACE, flags: AFFECT_CONFIG };
  await client.call(procedures.domainSetMetadata, change, undoing());
}

/** Who is making the VM; undefined when it is finished, or not ours. */
async function findMaker(client: Caller, domain: Domain, o: Cancel): Promise<string | undefined> {
  try {
    const about = { domain, type: METADATA_ELEMENT, uri: RESTORE_NAMESPACE, flags: AFFECT_CONFIG };
    const { metadata } = await client.call(procedures.domainGetMetadata, about, o);
    return /\bby=["']([^"']*)["']/.exec(metadata)?.[1];
  } catch (error) {
    if (isRefusal(error, ServerCode.noMetadata, ServerCode.noDomain, ServerCode.operationInvalid, ServerCode.invalidArgument)) return undefined;
    throw error;
  }
}

/** False when it is not there, or is finished. */
async function undoVM(client: Caller, { vm, name }: SourceEffect, { signal }: Cancel): Promise<boolean> {
  signal.throwIfAborted();
  try {
    const domain = await findDomain(client, vm ?? toVMId(''), undoing());
    if ((await findMaker(client, domain, undoing())) !== name) return false;
    await client.call(procedures.domainUndefine, { domain, flags: UNDEFINE_NVRAM }, undoing());
    return true;
  } catch (error) {
    if (isRefusal(error, ServerCode.noDomain) || (error instanceof HyperError && error.code === 'vm/not-found')) return false;
    throw error;
  }
}

/** False when it is not there, or a VM has it, or an image lies on it. */
async function undoVolume(client: Caller, { name: path }: SourceEffect, { signal }: Cancel): Promise<boolean> {
  signal.throwIfAborted();
  const place = readVolumePath(path);
  if (runOf(place.volume) === undefined) return false;
  const pool = await lookUpPool(client, place.pool, undoing());
  const volume = pool && (await findVolume(client, pool, place.volume));
  if (!volume) return false;
  const { domains } = await client.call(procedures.listAllDomains, { needsResults: 1, flags: 0 }, undoing());
  if ((await findUsed(client, domains, undoing())).has(place.volume) || (await findBelow(client, undoing())).has(place.volume)) return false;
  return await deleteVolume(client, volume);
}

/** The last thing first. What cannot be taken away stays written down, and is found later: why the work was given up is what has to be told. */
export async function undoMade(
  client: Caller,
  { effects, made }: { readonly effects: EffectJournal; readonly made: readonly SourceEffect[] },
): Promise<void> {
  for (const effect of made.toReversed()) {
    try {
      await (effect.kind === 'vm' ? undoVM(client, effect, undoing()) : undoVolume(client, effect, undoing()));
      await effects.settle(effect, undoing());
    } catch {
      // The journal keeps this.
    }
  }
}

/** Names of the files and volumes with our name that disks of these VMs lie in, which no two of ours have. */
async function findUsed(client: Caller, domains: readonly Domain[], o: Cancel): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  for (const domain of domains) {
    for (const disk of await disksOf(client, domain, o)) if (runOf(disk) !== undefined) used.add(baseOf(disk));
  }
  return used;
}

async function disksOf(client: Caller, domain: Domain, o: Cancel): Promise<readonly string[]> {
  try {
    const { xml } = await client.call(procedures.domainGetXml, { domain, flags: 0 }, o);
    const root = parseXml(xml);
    const disks = childrenNamed(childNamed(root, 'devices'), 'disk');
    const variables = childNamed(root, 'os', 'nvram');
    // A disk with a snapshot upon it has the volume below.
    const files = disks.flatMap((disk) => {
      const found: string[] = [];
      for (let layer: typeof disk | undefined = disk; layer; layer = childNamed(layer, 'backingStore')) found.push(sourceOf(layer) ?? '');
      return found;
    });
    return variables ? [...files, sourceOf(variables) ?? variables.text.trim()] : files;
  } catch (error) {
    if (isRefusal(error, ServerCode.noDomain)) return [];
    throw error;
  }
}

/** Names of the files with our name that images in pools lie on, such as those of linked clones: what a VM that is off says of its disks ends with the topmost. */
async function findBelow(client: Caller, o: Cancel): Promise<ReadonlySet<string>> {
  const below = new Set<string>();
  for (const pool of await listPools(client, o)) {
    for (const volume of await listVolumes(client, pool, o)) {
      const path = await findBacking(client, volume, o);
      if (path !== undefined && runOf(path) !== undefined) below.add(baseOf(path));
    }
  }
  return below;
}

async function findBacking(client: Caller, volume: StorageVolume, o: Cancel): Promise<string | undefined> {
  try {
    return childNamed(parseXml((await client.call(procedures.volumeGetXml, { volume, flags: 0 }, o)).xml), 'backingStore', 'path')?.text;
  } catch (error) {
    // It was taken away meanwhile, or its file was, behind the back of its pool.
    if (isRefusal(error, ServerCode.noVolume, ServerCode.noPool, ServerCode.operationInvalid, ServerCode.systemError)) return undefined;
    throw error;
  }
}

const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** A host without storage has no pools. */
async function listPools(client: Caller, o: Cancel): Promise<readonly StoragePool[]> {
  try {
    return (await client.call(procedures.listAllPools, { needsResults: 1, flags: LIST_ACTIVE }, o)).pools;
  } catch (error) {
    if (isRefusal(error, ServerCode.noSupport)) return [];
    throw error;
  }
}

async function listVolumes(client: Caller, pool: StoragePool, o: Cancel): Promise<readonly StorageVolume[]> {
  try {
    return (await client.call(procedures.poolListAllVolumes, { pool, needsResults: 1, flags: 0 }, o)).volumes;
  } catch (error) {
    // It was stopped or taken away meanwhile.
    if (isRefusal(error, ServerCode.noPool, ServerCode.operationInvalid)) return [];
    throw error;
  }
}
