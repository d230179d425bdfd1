import { randomUUID } from 'node:crypto';
import { HyperError, toVMId, type SourceEffect, type VMId, type VMInfo } from '@hypersdk/domain';
import type { Cancel, Clone, CloneOutcome, ClonePlan, CloneProgress, CloneRequest, Inventory, SourceWork, Watch } from '@hypersdk/ports';
import { childNamed, parseXml, type XmlElement } from '@hypersdk/wire';
import { tagOf } from '../backup/effect-names.ts';
import { undoing, unstoppable } from '../backup/run-effects.ts';
import { findDomain } from '../find-domain.ts';
import { requireFree, requireName } from '../restore/require-free.ts';
import { restoreName, volumeName, volumePath } from '../restore/restore-names.ts';
import { finishVM, madeVM, madeVolume, undoMade } from '../restore/restore-residue.ts';
import { findPool, type FoundPool, requireRoom } from '../restore/storage.ts';
import { type Domain, procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { differencesOfClone, toCloneXml } from './clone-xml.ts';
import { copyVolume } from './copy-volume.ts';
import { findSourceDisks, lookAtVolume, type SourceDisk } from './find-disks.ts';
import { findVolumeAt } from './find-volume.ts';
import type { ClonedImage } from './rewrite-device.ts';

/** VIR_DOMAIN_XML_SECURE, so that a screen with a password has one again, and VIR_DOMAIN_XML_INACTIVE. */
const DEFINITION = 1 | 2;
/** What a qcow2 image takes beside its content: header and tables, of which most are made when they are needed. */
const TABLES_SIZE = 256 * 1024;

export interface ClonePlace {
  readonly caller: Caller;
  readonly inventory: Inventory;
  readonly work: SourceWork;
  /** The connection's name in the journal. */
  readonly name: string;
}

/** All that is known before anything is made. */
interface Prepared {
  readonly vm: VMInfo;
  readonly uuid: string;
  readonly definition: XmlElement;
  readonly parts: readonly Part[];
  readonly plan: ClonePlan;
}

/** A volume that is made: that of a disk, or of the variables of UEFI. */
interface Part {
  readonly original: Pick<SourceDisk, 'volume' | 'path' | 'format' | 'look'>;
  readonly disk?: SourceDisk['disk'];
  readonly found: FoundPool;
  readonly isLink: boolean;
  readonly bytesNeeded: number;
}

interface Making extends Watch<CloneProgress> {
  readonly made: SourceEffect[];
}

/**
 * Has libvirt copy the volumes of a VM that is off, and defines another one of them that is marked as unfinished until it stands. Everything that is made is
 * written down first, under the names that restores give, and taken away again when the end is not reached.
 */
export class LibvirtClone implements Clone {
  readonly #place: ClonePlace;

  constructor(place: ClonePlace) {
    this.#place = place;
  }

  async plan(id: VMId, request: CloneRequest, o: Cancel): Promise<ClonePlan> {
    return (await this.#prepare(id, request, o)).plan;
  }

  async run(id: VMId, request: CloneRequest, o: Watch<CloneProgress>): Promise<CloneOutcome> {
    const { caller, inventory, work } = this.#place;
    const prepared = await this.#prepare(id, request, o);
    const making: Making = { ...o, made: [] };
    let domain: Domain;
    try {
      const paths = await this.#copy(request, prepared, making);
      await this.#requireUntouched(prepared, o);
      domain = await this.#define(request, prepared, { ...making, paths });
      await finishVM(caller, domain);
    } catch (error) {
      await undoMade(caller, { effects: work.effects, made: making.made });
      throw error;
    }
    for (const effect of making.made) await work.effects.settle(effect, undoing());
    return { vm: await inventory.get(toVMId(domain.uuid), undoing()), warnings: prepared.plan.warnings };
  }

  async #prepare(id: VMId, request: CloneRequest, o: Cancel): Promise<Prepared> {
    o.signal.throwIfAborted();
    const { caller, inventory } = this.#place;
    const { name } = request;
    requireName(name);
    const uuid = randomUUID();
    const domain = await findDomain(caller, id, o);
    const vm = await inventory.get(id, o);
    await requireFree(caller, { name, uuid }, o);
    requireOff(vm);
    const definition = parseXml((await caller.call(procedures.domainGetXml, { domain, flags: DEFINITION }, o)).xml);
    const disks = await findSourceDisks(caller, { definition, vm }, o);
    const parts: Part[] = [];
    for (const original of disks) parts.push(await this.#planDisk(original, request, o));
    const variables = await this.#planVariables(definition, parts, o);
    const all = variables ? [...parts, variables] : parts;
    for (const { found } of all) requireRoom(found, sum(all.filter((part) => part.found.pool.name === found.pool.name)));
    const warnings = [
      ...differencesOfClone(definition, { copiesVariables: variables !== undefined }),
      ...(request.disks === 'linked'
        ? [`What the clone does not write it reads from the disks of ${vm.name}: start, change or remove that VM, and the clone is damaged.`]
        : []),
    ];
    return { vm, uuid, definition, parts: all, plan: { bytesNeeded: sum(all), warnings } };
  }

  async #planDisk(original: SourceDisk, { disks, pool }: CloneRequest, o: Cancel): Promise<Part> {
    const { look, volume, disk } = original;
    const found = await findPool(this.#place.caller, pool ?? volume.pool, o);
    const isLink = disks === 'linked';
    // What lies under an overlay is copied too, and nobody says how much that is.
    const content = isLink ? 0 : look.hasBacking ? look.capacity : look.allocation;
    return { original, disk, found, isLink, bytesNeeded: content + TABLES_SIZE };
  }

  /** Variables that lie in a pool are copied with the disks. */
  async #planVariables(definition: XmlElement, [first]: readonly Part[], o: Cancel): Promise<Part | undefined> {
    const { caller } = this.#place;
    const element = childNamed(definition, 'os', 'nvram');
    const path = element && (childNamed(element, 'source')?.attributes.get('file') ?? element.text.trim());
    const format = element?.attributes.get('format') ?? 'raw';
    if (!first || path === undefined || path === '' || (format !== 'raw' && format !== 'qcow2')) return undefined;
    const volume = await findVolumeAt(caller, path, o);
    if (!volume) return undefined;
    const look = await lookAtVolume(caller, volume, o);
    return { original: { volume, path, format, look }, found: first.found, isLink: false, bytesNeeded: look.capacity };
  }

  /** Answers the paths of the volumes. */
  async #copy({ name: vm }: CloneRequest, { uuid, parts }: Prepared, { signal, made, onProgress }: Making): Promise<readonly string[]> {
    const { caller, work, name: connection } = this.#place;
    const paths: string[] = [];
    for (const { original, disk, found, isLink, bytesNeeded: expected } of parts) {
      const ending = isLink ? 'qcow2' : original.format;
      const name = volumeName(tagOf(work.run, uuid), { vm, target: disk?.id ?? 'nvram', ending });
      const effect = madeVolume({ run: work.run, connection }, volumePath(found.pool, name));
      signal.throwIfAborted();
      await work.effects.intend(effect, { signal });
      made.push(effect);
      const tell = (copied: number): void => void (disk && onProgress?.({ disk, copied: Math.min(copied, expected), expected }));
      const leave = (): void => void made.pop();
      const volume = await copyVolume(caller, { pool: found.pool, name, original, isLink }, { signal, onCopied: tell, leave });
      tell(expected);
      signal.throwIfAborted();
      paths.push((await caller.call(procedures.volumeGetPath, { volume }, { signal })).path);
    }
    return paths;
  }

  /** A VM that was started meanwhile wrote to what was copied, also when it is off again. */
  async #requireUntouched({ vm, parts }: Prepared, o: Cancel): Promise<void> {
    const { caller, inventory } = this.#place;
    const now = await inventory.get(vm.id, o);
    const looks = await Promise.all(parts.map(({ original }) => lookAtVolume(caller, original.volume, o)));
    if (now.powerState === 'stopped' && looks.every(({ writtenAt }, at) => writtenAt === parts[at]?.original.look.writtenAt)) return;
    throw new HyperError('source/changed', `The VM ${vm.name} was started or changed while it was cloned.`, { detail: { vm: vm.id } });
  }

  async #define(
    { name }: CloneRequest,
    { uuid, definition, parts }: Prepared,
    { signal, made, paths }: Making & { readonly paths: readonly string[] },
  ): Promise<Domain> {
    const { caller, work, name: connection } = this.#place;
    const by = restoreName(tagOf(work.run, uuid));
    const images = new Map<string, ClonedImage>();
    let variables: string | undefined;
    for (const [at, { disk, isLink, original }] of parts.entries()) {
      const path = paths[at] ?? '';
      if (disk) images.set(disk.id, { path, format: isLink ? 'qcow2' : original.format });
      else variables = path;
    }
    const xml = toCloneXml(definition, { uuid, name, images, by, ...(variables === undefined ? {} : { variables }) });
    // Whoever took the name or the identity meanwhile keeps it: libvirt would put ours in the place of theirs.
    await requireFree(caller, { name, uuid }, { signal });
    const effect = madeVM({ run: work.run, connection }, { uuid, name: by });
    await work.effects.intend(effect, { signal });
    made.push(effect);
    const { domain } = await caller.call(procedures.domainDefineXml, { xml, flags: 0 }, unstoppable);
    signal.throwIfAborted();
    return domain;
  }
}

const sum = (parts: readonly Part[]): number => parts.reduce((bytes, { bytesNeeded }) => bytes + bytesNeeded, 0);

function requireOff({ id, name, powerState, hasSavedMemory }: VMInfo): void {
  if (powerState === 'stopped') return;
  const why = hasSavedMemory
    ? 'is saved with its memory: start it and shut it down, or drop its memory (virsh managedsave-remove)'
    : `is ${powerState}: shut it down, or export it as it runs and restore that under another name`;
  throw new HyperError('vm/wrong-state', `Only a VM that is off is cloned, and ${name} ${why}.`, { detail: { vm: id } });
}
