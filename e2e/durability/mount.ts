import { execFileSync } from 'node:child_process';

/** A mounted folder that is unmounted whatever happens. */
export class Mount implements Disposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** `folder` is there and empty. */
  static tmpfs(folder: string, sizeMib: number): Mount {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'tmpfs', folder]);
    return new Mount(folder);
  }

  /** Mounts the ext4 file system in the file `image` through a loop device that goes away with it. */
  static loop(folder: string, image: string, options: string): Mount {
    execFileSync('mount', ['-t', 'ext4', '-o', `loop,${options}`, image, folder]);
    return new Mount(folder);
  }

  remount(options: string): void {
    execFileSync('mount', ['-o', `remount,${options}`, this.folder]);
  }

  [Symbol.dispose](): void {
    // Lazily: a process that is just dying may still hold a file.
    execFileSync('umount', ['--lazy', this.folder]);
  }
}
