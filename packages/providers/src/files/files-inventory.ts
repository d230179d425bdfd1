import { posix } from 'node:path';
import { HyperError, type VMId, type VMInfo } from '@hypersdk/domain';
import type { Cancel, Inventory } from '@hypersdk/ports';
import { roleOf, vmdkOfPart } from './file-role.ts';
import { type FoundVM, type Surroundings, toDescribedVM, toImageVM } from './found-vm.ts';
import { readDescriptor } from './read-descriptor.ts';
import { quote, reasonOf, type Report } from './report.ts';
import { placeIn, surveyFolder, type SurveyedFolder } from './survey-folder.ts';

type Listing = Cancel & { readonly report: Report };

/** The VMs in a folder: first those with a descriptor, then the images that belong to none of them. */
export class FilesInventory implements Inventory {
  readonly #surroundings: Surroundings;
  readonly #recursive: boolean;

  constructor(surroundings: Surroundings, options: { readonly recursive: boolean }) {
    this.#surroundings = surroundings;
    this.#recursive = options.recursive;
  }

  async *list({ signal, onProblem }: Parameters<Inventory['list']>[0]): AsyncGenerator<VMInfo> {
    signal.throwIfAborted();
    const o = { signal, report: (problem: string) => onProblem?.(problem) };
    const folders = await this.#survey(o);
    const claimed = new Set<string>();
    for (const { place, descriptors } of folders) {
      for (const name of descriptors) {
        signal.throwIfAborted();
        const vm = await this.#tryDescriptor(placeIn(place, name), o);
        for (const file of vm?.claimed ?? []) claimed.add(file);
        if (vm) yield vm.info;
      }
    }
    for (const folder of folders) yield* this.#listImages(folder, claimed, o);
    signal.throwIfAborted();
  }

  async get(id: VMId, o: Cancel): Promise<VMInfo> {
    return (await this.find(id, o)).info;
  }

  /** The VM with the images of its disks. Any descriptor or image of the folder is found by its place, also one that a list leaves to another VM. */
  async find(id: VMId, { signal }: Cancel): Promise<FoundVM> {
    signal.throwIfAborted();
    const { folder } = this.#surroundings;
    const file = await folder.find(id);
    const hidden = posix
      .dirname(id)
      .split('/')
      .some((part) => part.length > 1 && part.startsWith('.'));
    // A VM has one id: the place of its file, spelled in the one way that a list spells it.
    const known = file?.place === id && !hidden && (folder.only === undefined || folder.only === id) && (this.#recursive || !id.includes('/'));
    const role = folder.only === id && roleOf(id) !== 'descriptor' ? 'image' : roleOf(posix.basename(id));
    const o = { ...this.#surroundings, signal, report: () => {} };
    if (known && role === 'image') return toImageVM(file, o);
    const described = known && role === 'descriptor' ? await readDescriptor(file, folder) : undefined;
    if (!known || !described) throw new HyperError('vm/not-found', `There is no VM ${quote(id)} in this folder.`);
    return toDescribedVM(described, file, o);
  }

  async #survey(o: Listing): Promise<readonly SurveyedFolder[]> {
    const { folder } = this.#surroundings;
    if (folder.only === undefined) return surveyFolder(folder, { ...o, recursive: this.#recursive });
    const isDescriptor = roleOf(folder.only) === 'descriptor';
    return [{ place: '', images: isDescriptor ? [] : [folder.only], descriptors: isDescriptor ? [folder.only] : [] }];
  }

  async #tryDescriptor(place: string, o: Listing): Promise<FoundVM | undefined> {
    try {
      const file = await this.#surroundings.folder.find(place);
      const described = file && (await readDescriptor(file, this.#surroundings.folder));
      return file && described && (await toDescribedVM(described, file, { ...this.#surroundings, ...o }));
    } catch (failure) {
      o.signal.throwIfAborted();
      o.report(`The descriptor ${quote(place)} is left out: ${reasonOf(failure)}`);
      return undefined;
    }
  }

  /** A file that another image of the same folder refers to is known only when all of them were looked at. */
  async *#listImages({ place, images }: SurveyedFolder, claimed: ReadonlySet<string>, o: Listing): AsyncGenerator<VMInfo> {
    const own: VMInfo[] = [];
    const referred = new Set(claimed);
    const names = new Set(images);
    for (const name of images) {
      const whole = vmdkOfPart(name);
      if (whole !== undefined && names.has(whole)) continue;
      // An image that belongs to a VM is looked at for the files that it refers to in turn; it was reported with its VM, if it had to be.
      const known = claimed.has(placeIn(place, name));
      if (known && this.#surroundings.references === 'refuse') continue;
      const vm = await this.#tryImage(placeIn(place, name), known ? { ...o, report: () => {} } : o);
      for (const file of vm?.claimed ?? []) referred.add(file);
      if (vm) own.push(vm.info);
    }
    for (const vm of own) {
      o.signal.throwIfAborted();
      if (!referred.has(vm.id)) yield vm;
    }
  }

  async #tryImage(place: string, o: Listing): Promise<FoundVM | undefined> {
    o.signal.throwIfAborted();
    try {
      const file = await this.#surroundings.folder.find(place);
      return file && (await toImageVM(file, { ...this.#surroundings, signal: o.signal }));
    } catch (failure) {
      o.signal.throwIfAborted();
      o.report(`The image ${quote(place)} is left out: ${reasonOf(failure)}`);
      return undefined;
    }
  }
}
