import { execFileSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { copyTreePart } from './copy-tree-part.ts';

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
/** Any, but the same in every run: file systems and noise come out equal. */
const UUID = '6d0f8d5e-3c1b-4a53-9d0e-0a1b2c3d4e5f';
const FIXED_TIME = '1700000000';

interface Recipe {
  /** For the results page. */
  readonly what: string;
  make(path: string, images: Images): void;
}

export interface Images {
  readonly folder: string;
  path(name: ImageName): string;
}

/** The disks that cases read. Each is made once, in the cache folder. */
export const recipes = {
  'os.raw': { what: '4 GiB ext4 file system filled with 2.3 GiB of programs and libraries, sparse', make: makeOperatingSystem },
  'os1.raw': {
    what: 'its first 1 GiB',
    make: (path, images) => run('dd', [`if=${images.path('os.raw')}`, `of=${path}`, 'bs=64K', 'count=16384', 'conv=sparse', 'status=none']),
  },
  'rand.raw': { what: '1 GiB of noise', make: makeNoise },
  'zero.raw': { what: '4 GiB hole', make: (path) => makeHole(path, 4 * GIB) },
  'huge.raw': { what: '1 TiB hole', make: (path) => makeHole(path, 1024 * GIB) },
  'zalloc.raw': { what: '1 GiB of allocated zeros', make: makeZeros },
  'os.qcow2': { what: 'os.raw as qcow2', make: (path, images) => convert(images.path('os.raw'), path, ['-O', 'qcow2']) },
  'os1.zlib.qcow2': {
    what: 'os1.raw as qcow2 with zlib clusters',
    make: (path, images) => convert(images.path('os1.raw'), path, ['-c', '-O', 'qcow2']),
  },
  'os1.zstd.qcow2': {
    what: 'os1.raw as qcow2 with zstd clusters',
    make: (path, images) => convert(images.path('os1.raw'), path, ['-c', '-O', 'qcow2', '-o', 'compression_type=zstd']),
  },
  'os1.stream.vmdk': {
    what: 'os1.raw as streamOptimized VMDK',
    make: (path, images) => convert(images.path('os1.raw'), path, ['-O', 'vmdk', '-o', 'subformat=streamOptimized']),
  },
} as const satisfies Readonly<Record<string, Recipe>>;

export type ImageName = keyof typeof recipes;

export function openImages(folder: string): Images {
  mkdirSync(folder, { recursive: true });
  const images: Images = {
    folder,
    path: (name) => {
      const path = join(folder, name);
      if (!existsSync(path)) {
        console.error(`making ${name}: ${recipes[name].what}`);
        recipes[name].make(`${path}.partial`, images);
        renameSync(`${path}.partial`, path);
      }
      return path;
    },
  };
  return images;
}

function makeOperatingSystem(path: string, images: Images): void {
  const stage = join(images.folder, 'stage');
  rmSync(stage, { recursive: true, force: true });
  copyTreePart({ from: '/usr', to: stage, size: 2.25 * GIB });
  makeHole(path, 4 * GIB);
  const options = ['-q', '-t', 'ext4', '-F', '-U', UUID, '-E', `hash_seed=${UUID}`, '-d', stage, path];
  execFileSync('mke2fs', options, { env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, E2FSPROGS_FAKE_TIME: FIXED_TIME } });
  rmSync(stage, { recursive: true });
}

function makeNoise(path: string): void {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16));
  writePieces(path, () => cipher.update(Buffer.alloc(MIB)));
}

function makeZeros(path: string): void {
  const zeros = Buffer.alloc(MIB);
  writePieces(path, () => zeros);
}

function writePieces(path: string, next: () => Buffer): void {
  const fd = openSync(path, 'w');
  for (let offset = 0; offset < GIB; offset += MIB) writeSync(fd, next(), 0, MIB, offset);
  closeSync(fd);
}

function makeHole(path: string, size: number): void {
  closeSync(openSync(path, 'w'));
  truncateSync(path, size);
}

const convert = (from: string, to: string, options: readonly string[]): void => run('qemu-img', ['convert', ...options, from, to]);

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
