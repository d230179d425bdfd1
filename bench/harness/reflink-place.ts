import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { openImages, type ImageName, type Images } from '../images/bench-images.ts';

const SIZE = 12 * 1024 ** 3;

export interface Place extends Disposable {
  readonly folder: string;
  readonly images: Images;
}

/** A file system in a file, mounted, with the images on it. Answers why not when this user or system cannot. */
export function openReflinkPlace(images: Images, names: readonly ImageName[]): Place | { readonly why: string } {
  const file = join(images.folder, 'reflink.xfs');
  const folder = join(images.folder, 'reflink');
  const sources = names.map((name) => [name, images.path(name)] as const);
  try {
    mkdirSync(folder, { recursive: true });
    rmSync(file, { force: true });
    closeSync(openSync(file, 'w'));
    truncateSync(file, SIZE);
    quietly('mkfs.xfs', ['-q', '-m', 'reflink=1', file]);
    quietly('mount', ['-o', 'loop', file, folder]);
  } catch (error) {
    rmSync(file, { force: true });
    return { why: error instanceof Error ? error.message.split('\n').join(' ') : String(error) };
  }
  // Node's own copy would fill the holes.
  for (const [name, path] of sources) quietly('cp', ['--sparse=always', path, join(folder, name)]);
  quietly('sync', ['-f', folder]);
  return {
    folder,
    images: openImages(folder),
    [Symbol.dispose]: () => {
      quietly('umount', [folder]);
      rmSync(file);
    },
  };
}

function quietly(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` } });
}
