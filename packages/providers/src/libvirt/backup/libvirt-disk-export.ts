import { nbdDisks } from '@hypersdk/disk';
import { HyperError, type DiskId, type DiskInfo, type VMId, type VMInfo } from '@hypersdk/domain';
import type {
  Cancel,
  ChangedBlocks,
  DiskChanges,
  DiskExport,
  ExportableDisk,
  ExportLease,
  Inventory,
  LeaseRequest,
  NbdLocator,
  SourceWork,
} from '@hypersdk/ports';
import { findDomain } from '../find-domain.ts';
import type { Domain } from '../rpc/procedures.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import { explainPort, isPortTaken, portsToTry } from './backup-ports.ts';
import { beginBackup, findBackup, requireNoBackup, thaw } from './backup-job.ts';
import { BackupLease, type BackupServer, type HeldBackup, type MadeBackup, undoBackup } from './backup-lease.ts';
import { checkpointOf, readMark, toPointInTime } from './backup-mark.ts';
import type { BackupPlan, RunningBackup } from './backup-xml.ts';
import { runOf, scratchPath, socketPath, tagOf } from './effect-names.ts';
import type { Access } from './access.ts';
import { leadsTo, openRoad, requireRoad } from './open-road.ts';
import { canBeRecorded, NO_CHANGES, planChanges, type PlannedChanges } from './plan-changes.ts';
import { effectAt, intendAll } from './run-effects.ts';
import { findScratchPool } from './scratch-pool.ts';
import { measureRoom, requireRoom, type Room } from './scratch-room.ts';
import { ScratchWatch } from './scratch-watch.ts';
import { startPaused, stopPaused } from './start-paused.ts';

export interface ExportPlace extends BackupServer, Access {
  readonly inventory: Inventory;
  readonly work: SourceWork;
  /** The connection's name in the journal. */
  readonly name: string;
  /** On the server: where its QEMU may make sockets and files. */
  readonly scratchFolder: string;
}

interface Opening extends Cancel {
  readonly vm: VMInfo;
  readonly chosen: readonly DiskInfo[];
  readonly changes?: NonNullable<LeaseRequest['changes']>;
}

interface Told {
  readonly locator: NbdLocator;
  readonly changes?: { readonly since: string; readonly bitmap: string };
  readonly reason: string;
}

/**
 * Disks of VMs as pull-mode backups: QEMU shows each as it was when the backup began, over NBD, while the guest goes on. A stopped VM is started
 * without running for as long as it is read. A backup that a killed run left is taken up where its moment is the same.
 */
export class LibvirtDiskExport implements DiskExport, ChangedBlocks {
  readonly #place: ExportPlace;
  /** What is known of the changes of disks that are held, by their marks. */
  readonly #told = new Map<string, Told>();

  constructor(place: ExportPlace) {
    this.#place = place;
  }

  async open(id: VMId, { signal, disks, changes }: LeaseRequest): Promise<ExportLease> {
    const { caller, inventory } = this.#place;
    requireRoad(this.#place);
    const domain = await findDomain(caller, id, { signal });
    const vm = await inventory.get(id, { signal });
    if (vm.hasSavedMemory)
      throw new HyperError(
        'vm/wrong-state',
        `The VM ${vm.name} is saved with its memory, without which its disks are not whole: start it, or drop its memory (virsh managedsave-remove).`,
      );
    const opening: Opening = { signal, vm, chosen: chooseDisks(vm, disks), ...(changes ? { changes } : {}) };
    const taken = await this.#takeUp(domain, opening);
    if (taken) return taken;
    await this.#stopAbandoned(domain, { signal });
    const now = await inventory.get(id, { signal });
    return await this.#begin(domain, { ...opening, vm: now, chosen: chooseDisks(now, disks) });
  }

  async since(disk: ExportableDisk, mark: string): Promise<DiskChanges> {
    const told = this.#told.get(disk.mark);
    if (!told) return { kind: 'unknown', reason: 'the disk is not held any more' };
    if (mark === disk.mark) return { kind: 'unchanged' };
    const { locator, changes, reason } = told;
    const uuid = readMark(disk.mark)?.uuid ?? '';
    if (!changes || changes.since !== checkpointOf(mark, { uuid, disk: disk.disk.id })) return { kind: 'unknown', reason };
    const changed = { ...locator, bitmap: `qemu:dirty-bitmap:${changes.bitmap}` };
    return { kind: 'changed', locator: changed, mark: nbdDisks.mark(changed) };
  }

  async #begin(domain: Domain, opening: Opening): Promise<ExportLease> {
    const { signal, vm, chosen, changes } = opening;
    const { caller, transport, work } = this.#place;
    await requireNoBackup(caller, domain, { signal });
    const planned = changes ? await planChanges(caller, domain, { signal, disks: chosen, changes }) : NO_CHANGES;
    const plan = this.#plan(domain, opening, planned);
    const made = this.#effectsOf(domain, opening, { ...plan, files: await this.#filesOf(plan, { signal }) });
    const undoable: MadeBackup = {
      caller,
      transport,
      effects: work.effects,
      domain,
      socket: plan.socket,
      tag: tagOf(work.run, domain.uuid),
      made,
    };
    await this.#findRoom({ signal, chosen, isRequired: true });
    // What cannot be undone when it fails stays in the journal, and is told beside the reason.
    await using undone = new AsyncDisposableStack();
    undone.defer(() => undoBackup(undoable));
    await intendAll(work.effects, made, { signal });
    const isStopped = vm.powerState === 'stopped';
    if (isStopped) await startPaused(caller, domain, { signal, tag: undoable.tag });
    const begun = await this.#beginAt(domain, { signal, plan, planned, freezes: vm.guestAgent === 'connected' });
    const running = await this.#require(domain, plan.socket, { signal });
    const consistency = isStopped || begun.isFrozen ? 'filesystem' : 'crash';
    const reasons = begun.reasons;
    const lease = await this.#lease(undoable, { signal, vm, chosen, running, consistency, reasons, ...(changes ? { changes } : {}) });
    undone.move();
    return lease;
  }

  /** At its socket, or at the first port that nobody else has. */
  async #beginAt(
    domain: Domain,
    o: Cancel & { readonly plan: BackupPlan; readonly planned: PlannedChanges; readonly freezes: boolean },
  ): Promise<{ readonly isFrozen: boolean; readonly reasons: ReadonlyMap<string, string> }> {
    let taken: unknown;
    for (const port of portsToTry(this.#place)) {
      try {
        return await this.#beginWith(domain, port ? { ...o, plan: { ...o.plan, port } } : o);
      } catch (error) {
        if (!isPortTaken(error)) throw explainPort(error, this.#place.transport);
        taken = error;
      }
    }
    throw explainPort(taken, this.#place.transport);
  }

  /** Where the records of changes turn out to be of no use, all is backed up without them. */
  async #beginWith(
    domain: Domain,
    o: Cancel & { readonly plan: BackupPlan; readonly planned: PlannedChanges; readonly freezes: boolean },
  ): Promise<{ readonly isFrozen: boolean; readonly reasons: ReadonlyMap<string, string> }> {
    const { caller } = this.#place;
    try {
      return { isFrozen: await beginBackup(caller, domain, o), reasons: o.planned.reasons };
    } catch (error) {
      if (!isRefusal(error, ServerCode.noCheckpoint, ServerCode.checkpointInconsistent) || o.planned.since.size === 0) throw error;
      const reason = `libvirt cannot use what it recorded (${error.message.replace(/\.$/, '')})`;
      const disks = o.plan.disks.map(({ since: _, ...disk }) => disk);
      const isFrozen = await beginBackup(caller, domain, { ...o, plan: { ...o.plan, disks } });
      return { isFrozen, reasons: new Map([...o.planned.reasons, ...[...o.planned.since.keys()].map((disk) => [disk, reason] as const)]) };
    }
  }

  #plan(domain: Domain, { chosen, changes }: Opening, { since }: PlannedChanges): BackupPlan {
    const { work, scratchFolder } = this.#place;
    const tag = tagOf(work.run, domain.uuid);
    return {
      socket: socketPath(scratchFolder, tag),
      disks: chosen.map((disk) => {
        const checkpoint = since.get(disk.id);
        return {
          target: disk.id,
          scratch: scratchPath(scratchFolder, tag, disk.id),
          isRecorded: changes !== undefined && canBeRecorded(disk),
          ...(checkpoint === undefined ? {} : { since: checkpoint }),
        };
      }),
      ...(changes ? { checkpoint: tag } : {}),
    };
  }

  /** Those that could be taken away if libvirt did not: over the network only what lies in a storage pool. */
  async #filesOf({ socket, disks }: BackupPlan, o: Cancel): Promise<readonly string[]> {
    const { caller, transport, scratchFolder } = this.#place;
    const files = disks.map(({ scratch }) => scratch);
    if (transport.kind === 'unix' || transport.kind === 'ssh') return [socket, ...files];
    return (await findScratchPool(caller, scratchFolder, o)) ? files : [];
  }

  #effectsOf(
    domain: Domain,
    { vm }: Opening,
    { socket, disks, checkpoint, files }: BackupPlan & { readonly files: readonly string[] },
  ): MadeBackup['made'] {
    const { work, name } = this.#place;
    const place = { run: work.run, connection: name, uuid: domain.uuid };
    return [
      ...(vm.powerState === 'stopped' ? [effectAt(place, 'vm', tagOf(work.run, domain.uuid))] : []),
      effectAt(place, 'backup-job', socket),
      ...files.map((path) => effectAt(place, 'scratch-file', path)),
      ...(checkpoint !== undefined && disks.some(({ isRecorded }) => isRecorded) ? [effectAt(place, 'checkpoint', checkpoint)] : []),
    ];
  }

  /** Goes on with the backup of a run that was killed, when that is of the same disks. How much its guest knew of it is not recorded: the least is said. */
  async #takeUp(domain: Domain, { signal, vm, chosen, changes }: Opening): Promise<ExportLease | undefined> {
    const { caller, transport, work } = this.#place;
    const running = await findBackup(caller, domain, { signal });
    const run = running?.socket === undefined ? undefined : runOf(running.socket);
    if (!running || running.socket === undefined || run === undefined || work.isRunning(run)) return undefined;
    const journalled = await work.effects.list({ signal });
    const made = journalled.filter(({ isKept, effect }) => !isKept && effect.run === run && effect.vm === domain.uuid).map(({ effect }) => effect);
    if (!made.some(({ kind, name }) => kind === 'backup-job' && name === running.socket)) return undefined;
    work.takeOver(run);
    if (vm.guestAgent === 'connected') await thaw(caller, domain).catch(() => {});
    const undoable: MadeBackup = {
      caller,
      transport,
      effects: work.effects,
      domain,
      socket: running.socket,
      tag: tagOf(run, domain.uuid),
      made,
    };
    // Whose checkpoint is kept, or is asked about, was exported to its end: going on with it would give the same moment once more.
    const isKept = journalled.some(({ isKept: kept, effect }) => kept && effect.run === run && effect.vm === domain.uuid);
    const isComplete = isKept || chosen.some((disk) => askedOf(domain, disk, changes) === undoable.tag);
    if (isComplete || !leadsTo(this.#place, running) || !chosen.every(({ id }) => running.disks.some(({ target }) => target === id))) {
      for (const effect of made) if (isComplete && effect.kind === 'checkpoint') await work.effects.keep(effect, { signal });
      await undoBackup({ ...undoable, made: made.filter(({ kind }) => !isComplete || kind !== 'checkpoint') });
      return undefined;
    }
    const isStopped = vm.powerState === 'suspended' && made.some(({ kind }) => kind === 'vm');
    const state = isStopped
      ? { vm: { ...vm, powerState: 'stopped' as const }, consistency: 'filesystem' as const }
      : { vm, consistency: 'crash' as const };
    return await this.#lease(undoable, { signal, ...state, chosen, running, reasons: new Map(), ...(changes ? { changes } : {}) });
  }

  /** A VM that a dead run started without running, and which is read by nobody, is off again. */
  async #stopAbandoned(domain: Domain, { signal }: Cancel): Promise<void> {
    const { caller, work } = this.#place;
    for (const { effect } of await work.effects.list({ signal })) {
      if (effect.kind !== 'vm' || effect.vm !== domain.uuid || work.isRunning(effect.run)) continue;
      await stopPaused(caller, domain, effect.name);
      await work.effects.settle(effect, { signal });
    }
  }

  async #require(domain: Domain, socket: string, o: Cancel): Promise<RunningBackup> {
    const running = await findBackup(this.#place.caller, domain, o);
    if (running?.socket === socket) return running;
    throw new HyperError('source/changed', `The backup of the VM ${domain.name} ended as soon as it had begun.`);
  }

  async #findRoom({ signal, chosen, isRequired }: Pick<Opening, 'signal' | 'chosen'> & { readonly isRequired: boolean }): Promise<Room | undefined> {
    const { caller, transport, scratchFolder: folder } = this.#place;
    const room = await measureRoom({ caller, transport }, folder, { signal });
    if (room && isRequired) requireRoom(room, { folder, worst: chosen.reduce((sum, { virtualSize }) => sum + virtualSize, 0) });
    return room;
  }

  async #watchScratch({ caller, transport, domain, socket }: MadeBackup, o: Pick<Opening, 'signal' | 'chosen'>): Promise<ScratchWatch | undefined> {
    const room = await this.#findRoom({ ...o, isRequired: false });
    if (!room) return undefined;
    const { scratchFolder: folder } = this.#place;
    const measure = transport.kind === 'unix' ? { measure: ({ signal }: Cancel) => measureRoom({ caller, transport }, folder, { signal }) } : {};
    return new ScratchWatch({ caller, domain, folder, socket, room, ...measure });
  }

  async #lease(undoable: MadeBackup, o: Opening & Leasing): Promise<ExportLease> {
    const { signal, vm, chosen, running, consistency, reasons } = o;
    const { tag, domain } = undoable;
    const found = chosen.map((disk) => {
      const exported = running.disks.find(({ target }) => target === disk.id);
      if (!exported) throw new HyperError('source/not-found', `The backup of the VM ${vm.name} does not have the disk ${disk.id}.`);
      return { disk, exported };
    });
    await using opened = new AsyncDisposableStack();
    const road = opened.use(await openRoad(this.#place, running, { signal }));
    const disks = found.map(({ disk, exported }): ExportableDisk => {
      const locator: NbdLocator = {
        kind: 'nbd',
        ...road.reach,
        exportName: exported.exportName,
        allowsPlaintext: road.reach.tls === undefined,
        isSingle: false,
        pointInTime: toPointInTime({ uuid: domain.uuid, tag, disk: disk.id }),
      };
      const mark = nbdDisks.mark(locator);
      const reason = reasons.get(disk.id) ?? 'this backup does not tell changes since then';
      this.#told.set(mark, { locator, reason, ...(exported.changes ? { changes: exported.changes } : {}) });
      return { disk, locator, mark };
    });
    const scratch = await this.#watchScratch(undoable, { signal, chosen });
    const replaced = replacedBy(domain, { chosen, changes: o.changes }).filter((checkpoint) => checkpoint !== tag);
    opened.move();
    return new BackupLease({ ...undoable, vm, consistency, disks, road, replaced, ...(scratch ? { scratch } : {}) });
  }
}

interface Leasing {
  readonly running: RunningBackup;
  readonly consistency: HeldBackup['consistency'];
  readonly reasons: ReadonlyMap<string, string>;
}

function chooseDisks(vm: VMInfo, ids: readonly DiskId[] | undefined): readonly DiskInfo[] {
  if (ids === undefined) return vm.disks;
  return ids.map((id) => {
    const disk = vm.disks.find((candidate) => candidate.id === id);
    if (disk) return disk;
    throw new HyperError('source/not-found', `The VM ${vm.name} has no disk ${id}.`, { detail: { disks: vm.disks.map((known) => known.id) } });
  });
}

/** The checkpoint since which changes of the disk are asked for. */
const askedOf = (domain: Domain, { id }: DiskInfo, changes: Opening['changes']): string | undefined =>
  checkpointOf(changes?.since.get(id) ?? '', { uuid: domain.uuid, disk: id });

/** Also checkpoints that turned out to be of no use, and those of chains that were full or whose last link was killed late: nobody will ask about them. */
const replacedBy = (
  domain: Domain,
  { chosen, changes }: Pick<Opening, 'chosen'> & { readonly changes: Opening['changes'] | undefined },
): readonly string[] =>
  chosen.flatMap(({ id }) =>
    [changes?.since.get(id) ?? '', ...(changes?.earlier ?? [])].flatMap((mark) => checkpointOf(mark, { uuid: domain.uuid, disk: id }) ?? []),
  );
