import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { leafDigest, openSource, TreeBuilder } from '@hypersdk/disk';
import { endOf, HyperError, leafCount, leafRange, toVMId, type VMId } from '@hypersdk/domain';
import type { Cancel, RestorableDisk, Restore, RestoreOutcome, RestorePlan, RestoreProgress, RestoreRequest, Watch } from '@hypersdk/ports';
import type { MemoryDisk, MemoryVM } from './memory-config.ts';
import type { MemoryInventory } from './memory-inventory.ts';

/** Writes each disk into an image file of a folder, and adds a VM of them to the inventory. */
export class MemoryRestore implements Restore {
  readonly #inventory: MemoryInventory;
  readonly #place: { readonly connection: MemoryVM['connection']; readonly folder: string };

  constructor(inventory: MemoryInventory, place: { readonly connection: MemoryVM['connection']; readonly folder: string }) {
    this.#inventory = inventory;
    this.#place = place;
  }

  async plan(request: RestoreRequest, o: Cancel): Promise<RestorePlan> {
    await this.#requireFree(request, o);
    const bytesNeeded = request.disks.reduce((sum, { content }) => sum + content.virtualSize, 0);
    return { pool: this.#place.folder, bytesNeeded, warnings: [] };
  }

  async run(request: RestoreRequest, o: Watch<RestoreProgress>): Promise<RestoreOutcome> {
    const id = await this.#requireFree(request, o);
    const disks: MemoryDisk[] = [];
    await using undone = new AsyncDisposableStack();
    for (const disk of request.disks) {
      const location = join(this.#place.folder, `${id}-${disk.disk.id}.raw`);
      undone.defer(() => rm(location, { force: true }));
      await store(disk, location, o);
      disks.push({ ...disk.disk, format: 'raw', location });
    }
    undone.move();
    const powerState = request.start ? 'running' : 'stopped';
    const vm: MemoryVM = { ...request.vm, id, name: request.name, provider: 'memory', connection: this.#place.connection, powerState, disks };
    this.#inventory.add(vm);
    return { vm, warnings: [] };
  }

  /** Answers the id that the VM is to have. */
  async #requireFree({ vm, name, identity }: RestoreRequest, { signal }: Cancel): Promise<VMId> {
    const id = identity === 'kept' ? vm.id : toVMId(randomUUID());
    for await (const other of this.#inventory.list({ signal }))
      if (other.name === name || other.id === id) throw new HyperError('vm/exists', `There is a VM ${other.name} already.`);
    return id;
  }
}

async function store({ disk, source, content }: RestorableDisk, location: string, o: Watch<RestoreProgress>): Promise<void> {
  if (source.kind !== 'image') throw new HyperError('usage/invalid', 'This platform restores from image files only.');
  await using image = openSource(source);
  await using file = await open(location, 'wx');
  const { virtualSize } = image;
  const tree = new TreeBuilder(virtualSize);
  for (let leaf = 0; leaf < leafCount(virtualSize); leaf += 1) {
    o.signal.throwIfAborted();
    const range = leafRange(leaf, virtualSize);
    const bytes = new Uint8Array(range.length);
    await image.read(range.offset, bytes, o);
    await file.write(bytes, 0, bytes.length, range.offset);
    tree.add(leaf, leafDigest(bytes));
    const settled = endOf(range);
    o.onProgress?.({ disk, progress: { stage: 'copying', virtualSize, settled, dataRead: settled, resumedAt: 0 } });
  }
  o.signal.throwIfAborted();
  if (tree.finish().root !== content.root) throw new HyperError('verify/mismatch', `The disk ${disk.label} has another content.`);
}
