import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { GIB, KIB, MIB } from '@hypersdk/domain';
import { filled, guestEdits, islandsOn, lastBytes, writeRaw, type DiskContent } from './disk-content.ts';
import { qemuImg, qemuIo } from './qemu.ts';
import { scaleOf, type SourceImage } from './source-image.ts';

interface Recipe {
  readonly subformat: string;
  readonly content: DiskContent;
  readonly options?: string;
  readonly edits?: readonly string[];
  readonly change?: (path: string) => Promise<unknown>;
}

async function makeVmdk(folder: string, { subformat, content, options, edits = [], change }: Recipe): Promise<string> {
  const path = join(folder, 'disk.vmdk');
  const raw = await writeRaw(join(folder, 'content.raw'), content);
  await qemuImg('convert', '-t', 'unsafe', '-f', 'raw', '-O', 'vmdk', '-o', `subformat=${subformat}${options ? `,${options}` : ''}`, raw, path);
  if (edits.length > 0) await qemuIo(path, 'vmdk', edits);
  await change?.(path);
  return path;
}

const vmdk = (name: string, recipe: Recipe): SourceImage => ({
  name: `vmdk ${recipe.subformat}: ${name}`,
  format: 'vmdk',
  kind: `vmdk ${recipe.subformat}`,
  // Flat and split disks are descriptors that name the files with the content.
  references: ['monolithicSparse', 'streamOptimized'].includes(recipe.subformat) ? 'refuse' : 'beside',
  ...scaleOf(recipe.content.virtualSize),
  make: (folder) => makeVmdk(folder, recipe),
});

const SIZE = 7 * MIB + 5 * 512;
const at = (seed: number, size = SIZE): DiskContent => islandsOn(size, seed, { align: 512 });
/** qemu-io on a VMDK knows no unmapping. */
const edits = (seed: number): readonly string[] => guestEdits(SIZE, seed).filter((command) => command.startsWith('write -P'));

export const vmdkImages = (): readonly SourceImage[] => [
  ...Array.from({ length: 8 }, (_, n) => vmdk(`rewritten ${n}`, { subformat: 'monolithicSparse', content: at(2000 + n), edits: edits(2100 + n) })),
  ...Array.from({ length: 4 }, (_, n) =>
    vmdk(`zeroed grains ${n}`, {
      subformat: 'monolithicSparse',
      content: at(2200 + n),
      options: 'zeroed_grain=on',
      edits: [`write -z 0 ${(n + 1) * 64 * KIB}`, ...edits(2300 + n), `write -z ${2 * MIB} ${MIB}`],
    }),
  ),
  vmdk('empty', { subformat: 'monolithicSparse', content: { virtualSize: 9 * MIB, islands: [], seed: 1 } }),
  vmdk('only the last sector', { subformat: 'monolithicSparse', content: lastBytes(40 * MIB + 512, 2400) }),
  vmdk('full', { subformat: 'monolithicSparse', content: filled(5 * MIB, 2401) }),
  vmdk('one sector', { subformat: 'monolithicSparse', content: filled(512, 2402) }),
  vmdk('a grain beyond 2 GiB of the file', {
    subformat: 'monolithicSparse',
    content: filled(3 * MIB, 2403),
    change: (path) => moveGrain(path, 2 * GIB),
  }),
  vmdk('a grain beyond 4 GiB of the file', {
    subformat: 'monolithicSparse',
    content: filled(3 * MIB, 2404),
    change: (path) => moveGrain(path, 4 * GIB + MIB),
  }),
  ...Array.from({ length: 9 }, (_, n) => vmdk(`islands ${n}`, { subformat: 'streamOptimized', content: at(2500 + n, MIB + n * 3_000_320) })),
  vmdk('empty', { subformat: 'streamOptimized', content: { virtualSize: 9 * MIB, islands: [], seed: 1 } }),
  vmdk('only the last sector', { subformat: 'streamOptimized', content: lastBytes(33 * MIB + 512, 2601) }),
  vmdk('full of one byte', { subformat: 'streamOptimized', content: filled(6 * MIB, 2602, 3) }),
  ...Array.from({ length: 3 }, (_, n) => vmdk(`islands ${n}`, { subformat: 'monolithicFlat', content: at(2700 + n), edits: edits(2710 + n) })),
  ...Array.from({ length: 3 }, (_, n) => vmdk(`islands ${n}`, { subformat: 'twoGbMaxExtentSparse', content: at(2720 + n), edits: edits(2730 + n) })),
  ...Array.from({ length: 3 }, (_, n) => vmdk(`islands ${n}`, { subformat: 'twoGbMaxExtentFlat', content: at(2740 + n), edits: edits(2750 + n) })),
  ...(['monolithicFlat', 'twoGbMaxExtentSparse', 'twoGbMaxExtentFlat'] as const).map((subformat, n) =>
    vmdk('across 2 and 4 GiB', { subformat, content: acrossBorders(2760 + n) }),
  ),
];

/** Islands over the borders between the files of a split disk. */
const acrossBorders = (seed: number): DiskContent => ({
  virtualSize: 4 * GIB + 9 * MIB,
  islands: [0, 2 * GIB - 70_000, 4 * GIB - 512, 4 * GIB + 8 * MIB].map((offset) => ({ offset, length: 140_288, fill: 'noise' })),
  seed,
});

/** Puts the second grain elsewhere in the file: both copies of its table entry (Virtual Disk Format 1.1, "Grain Table"). */
async function moveGrain(path: string, to: number): Promise<void> {
  const grain = 64 * KIB;
  await using file = await open(path, 'r+');
  const field = Buffer.alloc(8);
  const sector = async (place: number): Promise<number> => {
    await file.read(field, 0, 4, place);
    return field.readUInt32LE() * 512;
  };
  const directories: number[] = [];
  for (const place of [48, 56]) {
    await file.read(field, 0, 8, place);
    directories.push(Number(field.readBigUInt64LE()) * 512);
  }
  const bytes = Buffer.alloc(grain);
  for (const directory of directories) {
    const entry = (await sector(directory)) + 4;
    if (directory === directories[0]) await file.read(bytes, 0, grain, await sector(entry));
    field.writeUInt32LE(to / 512);
    await file.write(field, 0, 4, entry);
  }
  await file.write(bytes, 0, grain, to);
}
