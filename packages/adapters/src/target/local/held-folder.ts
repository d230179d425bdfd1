import { constants } from 'node:fs';
import { lstat, mkdir, open, type FileHandle } from 'node:fs/promises';
import { HyperError, systemCode } from '@hypersdk/domain';

/** Linux names an open folder by its descriptor, so that a path below it cannot be redirected by whoever renames or links things meanwhile. */
const HAS_DESCRIPTOR_PATHS = process.platform === 'linux';
const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** An open folder. Names are opened relative to its descriptor and links are not followed, like `openat` with O_NOFOLLOW. */
export class HeldFolder implements AsyncDisposable {
  readonly #handle: FileHandle;
  readonly #anchor: string;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#anchor = HAS_DESCRIPTOR_PATHS ? `/proc/self/fd/${handle.fd}` : path;
  }

  static async open(path: string): Promise<HeldFolder> {
    return new HeldFolder(await open(path, FOLDER_FLAGS), path);
  }

  /** Names the folder itself, for calls that take a path. */
  get path(): string {
    return `${this.#anchor}/.`;
  }

  /** The path of a name directly in this folder; the name has been checked. */
  pathOf(name: string): string {
    return `${this.#anchor}/${name}`;
  }

  /** Opens a folder in this one, made first (and made durable) where `create` says so. */
  async enter(name: string, { create }: { readonly create: boolean }): Promise<HeldFolder> {
    const path = this.pathOf(name);
    if (create && (await makeFolder(path))) await this.sync();
    try {
      return await HeldFolder.open(path);
    } catch (error) {
      if (await isLink(path)) throw new HyperError('target/unsafe-path', `${name} is a symbolic link, which is not followed.`, { cause: error });
      throw error;
    }
  }

  /** Names that were made, changed or removed in this folder survive a power cut afterwards. */
  async sync(): Promise<void> {
    await this.#handle.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

/** Whether it had to be made. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** For the message only: what counts is that the open did not follow it. */
async function isLink(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isSymbolicLink() ?? false;
}
