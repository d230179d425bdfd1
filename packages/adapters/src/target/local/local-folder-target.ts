import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, realpath, statfs, unlink, type FileHandle } from 'node:fs/promises';
import { HyperError, type ByteRange, sharesBlocks, systemCode } from '@hypersdk/domain';
import type { Cancel, StorageTarget, StoredObject } from '@hypersdk/ports';
import { durablePut, sweepStale, type PutOptions } from './durable-put.ts';
import { readError, writeError } from './file-error.ts';
import { HeldFolder } from './held-folder.ts';
import { isObjectNamePart, parseObjectName } from './object-name.ts';

/** Objects that are asked for whole are documents; a disk image is read in parts. */
const WHOLE_SIZE_MAX = 256 * 1024 * 1024;
/** O_NONBLOCK: opening a pipe that someone put there must not wait for its other end. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A folder of this machine as a storage target. Below its root no symbolic link is followed. */
export class LocalFolderTarget implements StorageTarget, AsyncDisposable {
  readonly folder: string;
  readonly #root: HeldFolder;
  readonly #swept = new Set<string>();

  constructor(folder: string, root: HeldFolder) {
    this.folder = folder;
    this.#root = root;
  }

  /** The folder must exist; where its own path has links they are followed, once, now. */
  static async open(folder: string): Promise<LocalFolderTarget> {
    try {
      const real = await realpath(folder);
      return new LocalFolderTarget(real, await HeldFolder.open(real));
    } catch (error) {
      const errno = systemCode(error);
      if (errno === 'ENOENT') throw new HyperError('target/not-found', `There is no folder ${folder}.`, { cause: error });
      if (errno === 'ENOTDIR') throw new HyperError('target/not-found', `${folder} is not a folder.`, { cause: error });
      throw writeError(error, folder);
    }
  }

  async put(name: string, bytes: Uint8Array, o: PutOptions): Promise<void> {
    o.signal.throwIfAborted();
    const { folders, file } = parseObjectName(name);
    try {
      await this.#within(folders, { create: true }, async (parent) => {
        await this.#sweepOnce(folders.join('/'), parent, o);
        if ((await kindOf(parent.pathOf(file))) === 'folder') throw new HyperError('target/exists', `${name} is a folder.`);
        await durablePut(parent, { name: file, bytes }, o);
      });
    } catch (error) {
      throw writeError(error, name);
    }
  }

  async get(name: string, o: Cancel & { readonly range?: ByteRange }): Promise<Uint8Array> {
    o.signal.throwIfAborted();
    const { folders, file } = parseObjectName(name);
    try {
      return await this.#within(folders, { create: false }, async (parent) => {
        await using handle = await open(parent.pathOf(file), READ_FLAGS);
        return await readObject(handle, { name, ...(o.range === undefined ? {} : { range: o.range }) });
      });
    } catch (error) {
      throw readError(error, name);
    }
  }

  async *list(prefix: string, o: Cancel): AsyncGenerator<StoredObject> {
    o.signal.throwIfAborted();
    yield* listFolder(this.#root, '', { ...o, prefix });
  }

  async delete(name: string, o: Cancel): Promise<void> {
    o.signal.throwIfAborted();
    const { folders, file } = parseObjectName(name);
    try {
      await this.#within(folders, { create: false }, async (parent) => {
        await unlink(parent.pathOf(file));
        await parent.sync();
      });
    } catch (error) {
      // Where a folder has this name, or a file the name of a folder above it, there is no such object.
      if (['ENOENT', 'EISDIR', 'ENOTDIR'].includes(systemCode(error) ?? '')) return;
      throw writeError(error, name);
    }
  }

  /** Used: what the objects hold; free: what this process may still write to the file system. */
  async usage(o: Cancel): Promise<{ readonly used: number; readonly free: number; readonly mayShareBlocks: boolean }> {
    o.signal.throwIfAborted();
    let used = 0;
    for await (const { size } of this.list('', o)) used += size;
    const { bavail, bsize, type } = await statfs(this.#root.path);
    return { used, free: bavail * bsize, mayShareBlocks: sharesBlocks(type) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root[Symbol.asyncDispose]();
  }

  /** Walks down folder by folder, each opened relative to the one before. */
  async #within<Result>(folders: readonly string[], o: { readonly create: boolean }, work: (parent: HeldFolder) => Promise<Result>): Promise<Result> {
    await using stack = new AsyncDisposableStack();
    let parent = this.#root;
    for (const folder of folders) parent = stack.use(await parent.enter(folder, o));
    return await work(parent);
  }

  async #sweepOnce(key: string, folder: HeldFolder, o: Cancel): Promise<void> {
    if (this.#swept.has(key)) return;
    this.#swept.add(key);
    await sweepStale(folder, o);
  }
}

async function readObject(handle: FileHandle, { name, range }: { readonly name: string; readonly range?: ByteRange }): Promise<Uint8Array> {
  const found = await handle.stat();
  if (!found.isFile()) throw new HyperError('source/not-found', `${name} is not a file.`);
  if (range === undefined && found.size > WHOLE_SIZE_MAX)
    throw new HyperError('source/unreadable', `${name} has ${found.size} bytes: too many to be read at once.`);
  const { offset, length } = range ?? { offset: 0, length: found.size };
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) throw new HyperError('source/unreadable', `${name} ends at byte ${offset + filled}, before byte ${offset + length}.`);
    filled += bytesRead;
  }
  return bytes;
}

/** More entries than a folder of exports has; a larger one would not fit a sorted list in memory. */
const ENTRY_COUNT_MAX = 1_000_000;

interface ListOptions extends Cancel {
  readonly prefix: string;
}

/** In the order of whole names: a folder sorts as if its name ended in a slash, because the names in it go on with one. */
async function* listFolder(folder: HeldFolder, path: string, o: ListOptions): AsyncGenerator<StoredObject> {
  const entries = await readdir(folder.path, { withFileTypes: true });
  if (entries.length > ENTRY_COUNT_MAX) throw new HyperError('source/unreadable', `The folder ${path} has more than ${ENTRY_COUNT_MAX} entries.`);
  const found = entries
    .filter((entry) => isObjectNamePart(entry.name) && (entry.isFile() || entry.isDirectory()))
    .map((entry) => ({ part: entry.name, isFolder: entry.isDirectory(), name: `${path}${entry.name}${entry.isDirectory() ? '/' : ''}` }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

  for (const { part, isFolder, name } of found) {
    o.signal.throwIfAborted();
    if (isFolder && (name.startsWith(o.prefix) || o.prefix.startsWith(name))) {
      await using inner = await tryEnter(folder, part);
      if (inner) yield* listFolder(inner, name, o);
    }
    if (!isFolder && name.startsWith(o.prefix)) {
      const size = await sizeOf(folder.pathOf(part));
      if (size !== undefined) yield { name, size };
    }
  }
}

/** Undefined when it went away, or became a link, since it was listed. */
async function tryEnter(folder: HeldFolder, name: string): Promise<HeldFolder | undefined> {
  try {
    return await folder.enter(name, { create: false });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  const found = await lookAt(path);
  return found?.isFile() ? found.size : undefined;
}

async function kindOf(path: string): Promise<'folder' | 'other' | undefined> {
  const found = await lookAt(path);
  if (!found) return undefined;
  return found.isDirectory() ? 'folder' : 'other';
}

/** What lies there; another process may have removed it since its name was read. */
async function lookAt(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
