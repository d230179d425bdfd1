import { readFile, writeFile } from 'node:fs/promises';
import { HyperError, toSnapshotId, type SnapshotId, type SnapshotInfo, type VMId } from '@hypersdk/domain';
import type { Cancel, CreatedSnapshot, SnapshotRequest, Snapshots } from '@hypersdk/ports';
import type { MemoryInventory } from './memory-inventory.ts';

interface Kept {
  readonly info: SnapshotInfo;
  /** The content of every disk, by the path of its image. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** Keeps copies of the image files, which suits small disks. */
export class MemorySnapshots implements Snapshots {
  readonly #inventory: MemoryInventory;
  readonly #kept = new Map<VMId, readonly Kept[]>();

  constructor(inventory: MemoryInventory) {
    this.#inventory = inventory;
  }

  async list(id: VMId, o: Cancel): Promise<readonly SnapshotInfo[]> {
    return (await this.#of(id, o)).map(({ info }) => info);
  }

  async create(id: VMId, { name, description, placement, quiesce }: SnapshotRequest, o: Cancel): Promise<CreatedSnapshot> {
    const vm = await this.#inventory.get(id, o);
    const others = await this.#of(id, o);
    if (quiesce === 'required') throw new HyperError('vm/agent-absent', `${vm.name} has no guest agent.`);
    if (others.some(({ info }) => info.name === name)) throw new HyperError('snapshot/exists', `${vm.name} has a snapshot ${name}.`);
    const parent = others.find(({ info }) => info.isCurrent)?.info.id;
    const snapshot: SnapshotInfo = {
      id: toSnapshotId(name),
      name,
      ...(description === undefined ? {} : { description }),
      ...(parent === undefined ? {} : { parent }),
      isCurrent: true,
      hasMemory: vm.powerState !== 'stopped' && placement === 'internal',
      placement,
    };
    const contents = new Map<string, Uint8Array>();
    for (const { location } of vm.disks) contents.set(location, await readFile(location));
    this.#kept.set(id, [...others.map((kept) => withCurrent(kept, undefined)), { info: snapshot, contents }]);
    return { snapshot, isQuiesced: false };
  }

  async revert(id: VMId, snapshot: SnapshotId, o: Cancel): Promise<void> {
    const { info, contents } = await this.#find(id, snapshot, o);
    for (const [location, content] of contents) await writeFile(location, content);
    this.#inventory.setPowerState(id, info.hasMemory ? 'running' : 'stopped');
    this.#kept.set(
      id,
      (await this.#of(id, o)).map((kept) => withCurrent(kept, snapshot)),
    );
  }

  async delete(id: VMId, snapshot: SnapshotId, o: Cancel): Promise<void> {
    const { info: gone } = await this.#find(id, snapshot, o);
    const left = (await this.#of(id, o)).filter(({ info }) => info.id !== snapshot).map((kept) => withParent(kept, gone));
    this.#kept.set(id, gone.isCurrent ? left.map((kept) => withCurrent(kept, gone.parent)) : left);
  }

  async #of(id: VMId, o: Cancel): Promise<readonly Kept[]> {
    await this.#inventory.get(id, o);
    return this.#kept.get(id) ?? [];
  }

  async #find(id: VMId, snapshot: SnapshotId, o: Cancel): Promise<Kept> {
    const found = (await this.#of(id, o)).find(({ info }) => info.id === snapshot);
    if (!found) throw new HyperError('snapshot/not-found', `There is no snapshot ${snapshot}.`);
    return found;
  }
}

const withCurrent = ({ info, contents }: Kept, current: SnapshotId | undefined): Kept => ({
  info: { ...info, isCurrent: info.id === current },
  contents,
});

/** The children of one that goes belong to its parent. */
function withParent({ info, contents }: Kept, gone: SnapshotInfo): Kept {
  if (info.parent !== gone.id) return { info, contents };
  const { parent: _, ...rest } = info;
  return { info: { ...rest, ...(gone.parent === undefined ? {} : { parent: gone.parent }) }, contents };
}
