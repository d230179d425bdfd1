import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { HyperError } from '@hypersdk/domain';
import { unreadable } from './unreadable.ts';

/** A file inside the folder: where it really lies, and its place in the folder with `/` between parts. */
export interface PlacedFile {
  readonly path: string;
  readonly place: string;
}

/** PATH_MAX and NAME_MAX of Linux: longer ones name nothing. */
const PATH_LENGTH_MAX = 4096;
const NAME_LENGTH_MAX = 255;

/** The folder that a connection is about. Nothing outside of it is opened, whatever a name in it says. */
export class Folder {
  /** Without symbolic links. */
  readonly root: string;
  /** The only file that counts, when the connection names a file and not a folder. */
  readonly only: string | undefined;
  readonly #named: string;

  constructor(paths: { readonly root: string; readonly named: string; readonly only?: string }) {
    this.root = paths.root;
    this.#named = paths.named;
    this.only = paths.only;
  }

  static async open(path: string): Promise<Folder> {
    try {
      const real = await realpath(path);
      const status = await lstat(real);
      if (status.isDirectory()) return new Folder({ root: real, named: resolve(path) });
      if (status.isFile()) return new Folder({ root: dirname(real), named: dirname(resolve(path)), only: basename(real) });
    } catch (cause) {
      throw unreadable(path, cause);
    }
    throw new HyperError('source/unreadable', `${path} is neither a folder nor a file.`);
  }

  /**
   * The regular file that `name` means, seen from the folder at `from`; undefined when that is nothing or lies outside.
   * A name that leads out is not followed, so that not even its existence can be told.
   */
  async find(name: string, from = ''): Promise<PlacedFile | undefined> {
    const path = this.#pathOf(name, from);
    if (path === undefined) return undefined;
    try {
      const real = await realpath(path);
      const place = this.#placeOf(real);
      if (place === undefined || !(await lstat(real)).isFile()) return undefined;
      return { path: real, place };
    } catch {
      return undefined;
    }
  }

  #pathOf(name: string, from: string): string | undefined {
    if (name.includes('\0') || name.length > PATH_LENGTH_MAX || name.split('/').some((part) => part.length > NAME_LENGTH_MAX)) return undefined;
    if (!isAbsolute(name)) {
      const path = join(this.root, from, name);
      return this.#placeOf(path) === undefined ? undefined : path;
    }
    // The folder may have been named through a symbolic link, and its descriptors may use that name.
    const base = [this.root, this.#named].find((candidate) => isInside(relative(candidate, name)));
    return base === undefined ? undefined : join(this.root, relative(base, name));
  }

  #placeOf(path: string): string | undefined {
    const place = relative(this.root, path);
    return isInside(place) ? place.split(sep).join('/') : undefined;
  }
}

/** Compares by parts: `../x` leads out, a file called `..x` does not. */
const isInside = (place: string): boolean => place !== '' && place.split(sep)[0] !== '..' && !isAbsolute(place);
