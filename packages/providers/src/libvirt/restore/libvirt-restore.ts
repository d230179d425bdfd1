import { randomUUID } from 'node:crypto';
import { DiskStream } from '@hypersdk/disk';
import { HyperError, toVMId, type SourceEffect } from '@hypersdk/domain';
import type {
  Cancel,
  Inventory,
  RestorableDisk,
  Restore,
  RestoreOutcome,
  RestorePlan,
  RestoreProgress,
  RestoreRequest,
  SourceWork,
  Watch,
} from '@hypersdk/ports';
import { tagOf } from '../backup/effect-names.ts';
import { undoing, unstoppable } from '../backup/run-effects.ts';
import type { LibvirtConnection } from '../libvirt-connection.ts';
import { type Domain, procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { chooseNetworks, type ChosenNetworks } from './choose-networks.ts';
import { differencesOf, toDomainXml } from './domain-xml.ts';
import { type HostAbilities, readAbilities } from './host-abilities.ts';
import { planDisks } from './plan-disks.ts';
import { restoreName, volumeName, volumePath } from './restore-names.ts';
import { requireFree, requireName } from './require-free.ts';
import { finishVM, madeVM, madeVolume, undoMade } from './restore-residue.ts';
import { tellStages } from './tell-stages.ts';
import { fillVolume, findPool, makeVolume, readVolume, requireRoom, type FoundPool } from './storage.ts';

/** VIR_DOMAIN_DEFINE_VALIDATE. */
const VALIDATE = 1;
const POOL = 'default';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface RestorePlace {
  readonly caller: Caller;
  readonly inventory: Inventory;
  readonly work: SourceWork;
  /** The connection's name in the journal. */
  readonly name: string;
  /** Another connection for content, so that a full pipe holds up no call. */
  openConnection(o: Cancel): Promise<LibvirtConnection>;
}

/** All that is known before anything is made. */
interface Prepared extends AsyncDisposable {
  readonly uuid: string;
  readonly found: FoundPool;
  readonly abilities: HostAbilities;
  readonly chosen: ChosenNetworks;
  readonly streams: readonly { readonly disk: RestorableDisk; readonly stream: DiskStream }[];
  readonly plan: RestorePlan;
}

/**
 * Sends disks as qcow2 files into a storage pool, reads them back, and defines a VM of them that is marked as unfinished until it stands. Everything that is
 * made is written down first, and taken away again when the end is not reached.
 */
export class LibvirtRestore implements Restore {
  readonly #place: RestorePlace;

  constructor(place: RestorePlace) {
    this.#place = place;
  }

  async plan(request: RestoreRequest, o: Cancel): Promise<RestorePlan> {
    await using prepared = await this.#prepare(request, o);
    return prepared.plan;
  }

  async run(request: RestoreRequest, o: Watch<RestoreProgress>): Promise<RestoreOutcome> {
    await using prepared = await this.#prepare(request, o);
    const made: SourceEffect[] = [];
    let domain: Domain;
    try {
      const paths = await this.#store(request, prepared, { ...o, made });
      domain = await this.#define(request, prepared, { signal: o.signal, made, paths });
      await finishVM(this.#place.caller, domain);
    } catch (error) {
      await undoMade(this.#place.caller, { effects: this.#place.work.effects, made });
      throw error;
    }
    for (const effect of made) await this.#place.work.effects.settle(effect, undoing());
    if (request.start) await this.#start(domain);
    return { vm: await this.#place.inventory.get(toVMId(domain.uuid), undoing()), warnings: prepared.plan.warnings };
  }

  async #prepare(request: RestoreRequest, { signal }: Cancel): Promise<Prepared> {
    signal.throwIfAborted();
    const { caller } = this.#place;
    const { vm, name, network, pool = POOL } = request;
    requireName(name);
    const uuid = request.identity === 'kept' && UUID.test(vm.id) ? vm.id : randomUUID();
    await requireFree(caller, { name, uuid }, { signal });
    const found = await findPool(caller, pool, { signal });
    const abilities = await readAbilities(caller, vm, { signal });
    const chosen = await chooseNetworks(caller, vm, { signal, ...(network === undefined ? {} : { wish: network }) });
    await using opened = new AsyncDisposableStack();
    const streams: Prepared['streams'][number][] = [];
    for (const disk of request.disks) streams.push({ disk, stream: opened.use(await openStream(disk, { signal })) });
    const bytesNeeded = streams.reduce((sum, { stream }) => sum + stream.dataSize, 0);
    requireRoom(found, bytesNeeded);
    const warnings = [...differencesOf(vm), ...chosen.warnings];
    const kept = opened.move();
    return {
      uuid,
      found,
      abilities,
      chosen,
      streams,
      plan: { pool, bytesNeeded, bytesFree: found.bytesFree, warnings },
      [Symbol.asyncDispose]: () => kept.disposeAsync(),
    };
  }

  /** Answers the paths of the images. */
  async #store(
    request: RestoreRequest,
    prepared: Prepared,
    o: Watch<RestoreProgress> & { readonly made: SourceEffect[] },
  ): Promise<readonly string[]> {
    const { work, name: connection } = this.#place;
    const { uuid, found, streams } = prepared;
    const targets = planDisks(request.disks.map(({ disk }) => disk));
    await using link = await this.#place.openConnection(o);
    const { client } = link;
    const paths: string[] = [];
    for (const [index, { disk, stream }] of streams.entries()) {
      const name = volumeName(tagOf(work.run, uuid), { vm: request.name, target: targets[index]?.target ?? String(index) });
      const effect = madeVolume({ run: work.run, connection }, volumePath(found.pool, name));
      await work.effects.intend(effect, { signal: o.signal });
      o.made.push(effect);
      const volume = await makeVolume(client, found.pool, name);
      o.signal.throwIfAborted();
      const tell = tellStages(disk.disk, stream, o.onProgress);
      const read = await fillVolume(client, volume, { stream, signal: o.signal, onSettled: tell('copying') });
      requireSame(disk, read.root, 'was read from the export is not what was exported');
      const stored = await readVolume(client, volume, { stream, signal: o.signal, onSettled: tell('verifying') });
      requireSame(disk, stored.root, 'was stored is not what was sent');
      paths.push((await client.call(procedures.volumeGetPath, { volume }, { signal: o.signal })).path);
    }
    return paths;
  }

  async #define(
    request: RestoreRequest,
    { uuid, abilities, chosen }: Prepared,
    { signal, made, paths }: Cancel & { readonly made: SourceEffect[]; readonly paths: readonly string[] },
  ): Promise<Domain> {
    const { caller, work, name: connection } = this.#place;
    const { name, identity } = request;
    const by = restoreName(tagOf(work.run, uuid));
    const vm = { ...request.vm, disks: request.disks.map(({ disk }) => disk) };
    const xml = toDomainXml({ uuid, name, vm, identity, abilities, networks: chosen.networks, paths, by });
    // Whoever took the name or the identity meanwhile keeps it: libvirt would put ours in the place of theirs.
    await requireFree(caller, { name, uuid }, { signal });
    const effect = madeVM({ run: work.run, connection }, { uuid, name: by });
    await work.effects.intend(effect, { signal });
    made.push(effect);
    const { domain } = await caller.call(procedures.domainDefineXml, { xml, flags: VALIDATE }, unstoppable);
    signal.throwIfAborted();
    return domain;
  }

  async #start(domain: Domain): Promise<void> {
    try {
      await this.#place.caller.call(procedures.domainCreate, { domain, flags: 0 }, unstoppable);
    } catch (error) {
      if (!(error instanceof HyperError)) throw error;
      throw new HyperError('vm/wrong-state', `The VM ${domain.name} is restored, whole and off, but cannot be started: ${error.message}`, {
        cause: error,
        detail: { vm: domain.uuid },
      });
    }
  }
}

async function openStream({ disk, source, content }: RestorableDisk, o: Cancel): Promise<DiskStream> {
  const stream = await DiskStream.open(source, o);
  if (stream.virtualSize === content.virtualSize) return stream;
  await stream[Symbol.asyncDispose]();
  throw new HyperError('verify/mismatch', `The disk ${disk.label} has ${stream.virtualSize} bytes and not ${content.virtualSize}.`);
}

function requireSame({ disk, content }: RestorableDisk, root: string, what: string): void {
  if (root === content.root) return;
  throw new HyperError('verify/mismatch', `What ${what}: the disk ${disk.label} has another content.`, {
    detail: { disk: disk.id, expected: content.root, found: root },
  });
}
