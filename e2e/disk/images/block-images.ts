import { join } from 'node:path';
import { MIB, type ImageFormat } from '@hypersdk/domain';
import { filled, guestEdits, islandsOn, lastBytes, writeRaw, type DiskContent } from './disk-content.ts';
import { qemuImg, qemuIo, qemuName } from './qemu.ts';
import { scaleOf, type SourceImage } from './source-image.ts';

interface Recipe {
  readonly format: ImageFormat;
  /** As it is counted. */
  readonly subformat: string;
  readonly options: string;
  readonly content: DiskContent;
  readonly edits?: readonly string[];
}

const image = (name: string, { format, subformat, options, content, edits = [] }: Recipe): SourceImage => ({
  name: `${format} ${subformat}: ${name}`,
  format,
  kind: `${format} ${subformat}`,
  ...scaleOf(content.virtualSize),
  async make(folder) {
    const path = join(folder, `disk.${format}`);
    const raw = await writeRaw(join(folder, 'content.raw'), content);
    await qemuImg('convert', '-t', 'unsafe', '-f', 'raw', '-O', qemuName(format), '-o', options, raw, path);
    if (edits.length > 0) await qemuIo(path, qemuName(format), edits);
    return path;
  },
});

/** Neither a whole number of blocks nor of cylinders. */
const SIZE = 9 * MIB + 5 * 512;
const at = (seed: number): DiskContent => islandsOn(SIZE, seed, { align: 512 });
/** qemu-io on these formats knows no unmapping. */
const edits = (seed: number): readonly string[] => guestEdits(SIZE, seed).filter((command) => command.startsWith('write -P'));

const KINDS = [
  { format: 'vhd', subformat: 'dynamic', options: 'subformat=dynamic,force_size=on' },
  { format: 'vhd', subformat: 'dynamic, size of its geometry', options: 'subformat=dynamic' },
  { format: 'vhd', subformat: 'fixed', options: 'subformat=fixed,force_size=on' },
  { format: 'vdi', subformat: 'dynamic', options: 'static=off' },
  { format: 'vdi', subformat: 'static', options: 'static=on' },
  { format: 'vhdx', subformat: 'dynamic', options: 'subformat=dynamic' },
  { format: 'vhdx', subformat: 'dynamic, blocks of 1 MiB', options: 'subformat=dynamic,block_size=1M,block_state_zero=off' },
  { format: 'vhdx', subformat: 'fixed', options: 'subformat=fixed' },
] as const;

/** Images of fixed-size blocks behind one table, as QEMU writes them. */
export const blockImages = (): readonly SourceImage[] =>
  KINDS.flatMap((kind, n) => [
    image('islands', { ...kind, content: at(4000 + n) }),
    image('rewritten', { ...kind, content: at(4100 + n), edits: edits(4200 + n) }),
    image('empty', { ...kind, content: { virtualSize: SIZE, islands: [], seed: 1 } }),
    image('only the last sector', { ...kind, content: lastBytes(21 * MIB + 512, 4300 + n) }),
    image('full', { ...kind, content: filled(5 * MIB, 4400 + n) }),
  ]);
