import { HyperError, type SnapshotId, type SnapshotInfo, type VMId } from '@hypersdk/domain';
import type { Cancel, CreatedSnapshot, SnapshotRequest, Snapshots } from '@hypersdk/ports';
import { parseXml } from '@hypersdk/wire';
import { commitOverlays } from './commit-overlays.ts';
import type { DomainWatch } from './domain-watch.ts';
import { findDomain } from './find-domain.ts';
import { type Domain, procedures, type SnapshotRef } from './rpc/procedures.ts';
import type { Caller } from './rpc/rpc-client.ts';
import { isRefusal, ServerCode } from './rpc/server-error.ts';
import { toSnapshotInfo, toSnapshotXml } from './snapshot-xml.ts';
import { agentOf, diskTargetsOf, DomainState } from './to-vm.ts';

/** libvirt, `virDomainSnapshotCreateFlags` and `virDomainSnapshotDeleteFlags`. */
const CREATE_DISK_ONLY = 16;
const CREATE_QUIESCE = 64;
const CREATE_ATOMIC = 128;
const DELETE_METADATA_ONLY = 2;

/** libvirt's own snapshots. It keeps those of one kind inside the images and merges the images of the other when one is deleted. */
export class LibvirtSnapshots implements Snapshots {
  readonly #client: Caller;
  readonly #watch: DomainWatch;
  readonly #mergesItself: boolean;

  /** `mergesItself`: whether the server can delete external snapshots (since 9.0); an older one is told how, step by step. */
  constructor(client: Caller, watch: DomainWatch, { mergesItself }: { readonly mergesItself: boolean }) {
    this.#client = client;
    this.#watch = watch;
    this.#mergesItself = mergesItself;
  }

  async list(id: VMId, o: Cancel): Promise<readonly SnapshotInfo[]> {
    const domain = await findDomain(this.#client, id, o);
    const [{ snapshots }, current] = await Promise.all([
      this.#client.call(procedures.domainListAllSnapshots, { domain, needsResults: 1, flags: 0 }, o),
      this.#currentOf(domain, o),
    ]);
    const all = await Promise.all(snapshots.map((snapshot) => this.#describe(snapshot, current, o)));
    return all.map(({ overlays: _, ...snapshot }) => snapshot);
  }

  async create(id: VMId, request: SnapshotRequest, o: Cancel): Promise<CreatedSnapshot> {
    const domain = await findDomain(this.#client, id, o);
    if (request.name === '' || request.name.includes('/'))
      throw new HyperError('usage/invalid', 'The name of a snapshot is neither empty nor has it a slash.');
    if (await this.#find(domain, request.name, o)) throw new HyperError('snapshot/exists', `${domain.name} has a snapshot ${request.name} already.`);
    const [{ xml }, { state }] = await Promise.all([
      this.#client.call(procedures.domainGetXml, { domain, flags: 0 }, o),
      this.#client.call(procedures.domainGetState, { domain, flags: 0 }, o),
    ]);
    const element = parseXml(xml);
    const hasAgent = state === DomainState.running && agentOf(element) === 'connected';
    if (request.quiesce === 'required' && !hasAgent) throw new HyperError('vm/agent-absent', `No guest agent answers in ${domain.name}.`);
    const isExternal = request.placement === 'external';
    const quiesces = isExternal && hasAgent && request.quiesce !== 'never';
    if (request.quiesce === 'required' && !quiesces)
      throw new HyperError(
        'usage/invalid',
        'A snapshot that keeps the memory keeps what the guest has not written too; only an external one is quiesced.',
      );
    const snapshotXml = toSnapshotXml(request, diskTargetsOf(element));
    const made = await this.#make(domain, { ...o, xml: snapshotXml, isExternal, quiesces, mayDoWithout: request.quiesce === 'if-possible' });
    const { overlays: _, ...snapshot } = await this.#describe(made.snapshot, made.snapshot.name, o);
    return { snapshot, isQuiesced: made.isQuiesced };
  }

  async revert(id: VMId, snapshot: SnapshotId, o: Cancel): Promise<void> {
    const domain = await findDomain(this.#client, id, o);
    const found = await this.#get(domain, snapshot, o);
    await this.#refuseCheckpoints(domain, o);
    await this.#client.call(procedures.snapshotRevert, { snapshot: found, flags: 0 }, o);
  }

  async delete(id: VMId, snapshot: SnapshotId, o: Cancel): Promise<void> {
    const domain = await findDomain(this.#client, id, o);
    const found = await this.#get(domain, snapshot, o);
    const { placement, isCurrent, overlays } = await this.#describe(found, await this.#currentOf(domain, o), o);
    if (placement === 'internal' || this.#mergesItself) {
      await this.#client.call(procedures.snapshotDelete, { snapshot: found, flags: 0 }, o);
      return;
    }
    if (!isCurrent)
      throw new HyperError('libvirt/unsupported', `This libvirt merges only the last external snapshot of ${domain.name}, and ${snapshot} is not.`);
    await commitOverlays({ client: this.#client, watch: this.#watch }, { domain, targets: overlays.map(({ target }) => target) }, o);
    await this.#client.call(procedures.snapshotDelete, { snapshot: found, flags: DELETE_METADATA_ONLY }, o);
  }

  async #make(
    domain: Domain,
    {
      xml,
      isExternal,
      quiesces,
      mayDoWithout,
      ...o
    }: Cancel & { readonly xml: string; readonly isExternal: boolean; readonly quiesces: boolean; readonly mayDoWithout: boolean },
  ): Promise<{ readonly snapshot: SnapshotRef; readonly isQuiesced: boolean }> {
    const flags = isExternal ? CREATE_DISK_ONLY + CREATE_ATOMIC : 0;
    const make = (more: number) => this.#client.call(procedures.snapshotCreateXml, { domain, xml, flags: flags + more }, o);
    if (!quiesces) return { ...(await make(0)), isQuiesced: false };
    try {
      return { ...(await make(CREATE_QUIESCE)), isQuiesced: true };
    } catch (error) {
      o.signal.throwIfAborted();
      if (!mayDoWithout || !(error instanceof HyperError) || error.code !== 'vm/agent-absent') throw error;
      return { ...(await make(0)), isQuiesced: false };
    }
  }

  /**
   * QEMU does not load an internal snapshot over an image that carries the bitmaps of checkpoints: the VM would be stopped for it and not start
   * again. This is found out here, while the VM still runs.
   */
  async #refuseCheckpoints(domain: Domain, o: Cancel): Promise<void> {
    const count = await this.#countCheckpoints(domain, o);
    if (count > 0)
      throw new HyperError(
        'vm/wrong-state',
        `${domain.name} has ${count} checkpoints of backups, with which QEMU cannot take it back: delete them first.`,
        {
          detail: { checkpoints: count },
        },
      );
  }

  async #countCheckpoints(domain: Domain, o: Cancel): Promise<number> {
    try {
      return (await this.#client.call(procedures.domainListAllCheckpoints, { domain, needsResults: 0, flags: 0 }, o)).count;
    } catch (error) {
      if (isRefusal(error, ServerCode.noSupport, ServerCode.rpc)) return 0;
      throw error;
    }
  }

  async #describe(snapshot: SnapshotRef, current: string | undefined, o: Cancel): Promise<ReturnType<typeof toSnapshotInfo>> {
    const { xml } = await this.#client.call(procedures.snapshotGetXml, { snapshot, flags: 0 }, o);
    return toSnapshotInfo(xml, { isCurrent: snapshot.name === current });
  }

  async #currentOf(domain: Domain, o: Cancel): Promise<string | undefined> {
    try {
      return (await this.#client.call(procedures.domainCurrentSnapshot, { domain, flags: 0 }, o)).snapshot.name;
    } catch (error) {
      if (isRefusal(error, ServerCode.noSnapshot)) return undefined;
      throw error;
    }
  }

  async #get(domain: Domain, id: SnapshotId, o: Cancel): Promise<SnapshotRef> {
    const found = await this.#find(domain, id, o);
    if (!found) throw new HyperError('snapshot/not-found', `${domain.name} has no snapshot ${JSON.stringify(id.slice(0, 80))}.`);
    return found;
  }

  async #find(domain: Domain, name: string, o: Cancel): Promise<SnapshotRef | undefined> {
    try {
      return (await this.#client.call(procedures.snapshotLookupByName, { domain, name, flags: 0 }, o)).snapshot;
    } catch (error) {
      if (isRefusal(error, ServerCode.noSnapshot)) return undefined;
      throw error;
    }
  }
}
