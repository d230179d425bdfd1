import { randomUUID } from 'node:crypto';
import { copyFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HyperError, toVMId, type VMId } from '@hypersdk/domain';
import type { Cancel, Clone, CloneOutcome, ClonePlan, CloneProgress, CloneRequest, Watch } from '@hypersdk/ports';
import type { MemoryDisk, MemoryVM } from './memory-config.ts';
import type { MemoryInventory } from './memory-inventory.ts';

/** Copies the image files into a folder. A link is a copy that takes nothing: nobody can tell, as long as the source is not written. */
export class MemoryClone implements Clone {
  readonly #inventory: MemoryInventory;
  readonly #folder: string;

  constructor(inventory: MemoryInventory, folder: string) {
    this.#inventory = inventory;
    this.#folder = folder;
  }

  async plan(id: VMId, request: CloneRequest, o: Cancel): Promise<ClonePlan> {
    const source = await this.#prepare(id, request, o);
    if (request.disks === 'linked') return { bytesNeeded: 0, warnings: [`What is written to ${source.name} from now on damages the clone.`] };
    return { bytesNeeded: source.disks.reduce((sum, { virtualSize }) => sum + virtualSize, 0), warnings: [] };
  }

  async run(id: VMId, request: CloneRequest, o: Watch<CloneProgress>): Promise<CloneOutcome> {
    const source = await this.#prepare(id, request, o);
    const { warnings } = await this.plan(id, request, o);
    const uuid = toVMId(randomUUID());
    const disks: MemoryDisk[] = [];
    await using undone = new AsyncDisposableStack();
    for (const disk of source.disks) {
      const location = join(this.#folder, `${uuid}-${disk.id}`);
      undone.defer(() => rm(location, { force: true }));
      await copyFile(disk.location, location);
      const { size: expected } = await stat(location);
      o.onProgress?.({ disk, copied: expected, expected });
      o.signal.throwIfAborted();
      disks.push({ ...disk, location });
    }
    undone.move();
    const vm: MemoryVM = { ...source, id: uuid, name: request.name, disks, nics: source.nics.map(({ mac: _, ...nic }) => nic) };
    this.#inventory.add(vm);
    return { vm, warnings };
  }

  async #prepare(id: VMId, { name }: CloneRequest, o: Cancel): Promise<MemoryVM> {
    const source = await this.#inventory.get(id, o);
    for await (const other of this.#inventory.list(o)) if (other.name === name) throw new HyperError('vm/exists', `There is a VM ${name} already.`);
    if (source.powerState !== 'stopped')
      throw new HyperError('vm/wrong-state', `${source.name} is ${source.powerState}: only a VM that is off is cloned.`);
    return source;
  }
}
