import { createCipheriv } from 'node:crypto';
import { open } from 'node:fs/promises';
import { GIB, KIB, MIB } from '@hypersdk/domain';
import { seededRandom } from '@hypersdk/testkit';

/** A run of bytes on a disk: noise that does not compress, or one byte repeated. */
export interface Island {
  readonly offset: number;
  readonly length: number;
  readonly fill: 'noise' | number;
}

/** What a disk holds, as a short list however large it is. Later islands lie over earlier ones; the rest was never written. */
export interface DiskContent {
  readonly virtualSize: number;
  readonly islands: readonly Island[];
  readonly seed: number;
}

/** Borders of sectors, pages, clusters, grains, leaves and L2 tables, where off-by-one errors live. */
const BORDERS = [512, 4 * KIB, 16 * KIB, 64 * KIB, MIB, 2 * MIB, 4 * MIB, 512 * MIB, 2 * GIB, 4 * GIB];

/** Islands at the ends, around borders and anywhere; the same for the same seed. */
export function islandsOn(virtualSize: number, seed: number, o: { readonly count?: number; readonly align?: number } = {}): DiskContent {
  const random = seededRandom(seed);
  const align = o.align ?? 1;
  const below = (limit: number): number => Math.floor(random() * limit);
  const borders = BORDERS.filter((border) => border < virtualSize);
  const place = (): number => {
    const kind = random();
    if (kind < 0.15 || borders.length === 0) return 0;
    if (kind < 0.3) return virtualSize - 1 - below(1024);
    if (kind > 0.65) return below(virtualSize);
    const border = borders[below(borders.length)] ?? 0;
    return border * (1 + below(Math.min(8, Math.floor(virtualSize / border)))) - below(3) * 512;
  };
  const islands = Array.from({ length: o.count ?? 8 }, (): Island => {
    const offset = Math.floor(Math.min(Math.max(place(), 0), virtualSize - 1) / align) * align;
    const wanted = random() < 0.3 ? 512 : 1 + below(random() < 0.2 ? 3 * MIB : 96 * KIB);
    const length = Math.min(Math.ceil(wanted / align) * align, virtualSize - offset);
    return { offset, length, fill: random() < 0.7 ? 'noise' : below(256) };
  });
  return { virtualSize, islands, seed };
}

/** Every `step` bytes a run of `length`. */
export function everyStep(virtualSize: number, o: { readonly step: number; readonly length: number; readonly seed: number }): DiskContent {
  const count = Math.floor(virtualSize / o.step);
  const islands = Array.from({ length: count }, (_, index): Island => ({ offset: index * o.step, length: o.length, fill: 1 + (index % 255) }));
  return { virtualSize, islands, seed: o.seed };
}

export const filled = (virtualSize: number, seed: number, fill: Island['fill'] = 'noise'): DiskContent => ({
  virtualSize,
  islands: virtualSize === 0 ? [] : [{ offset: 0, length: virtualSize, fill }],
  seed,
});

export const lastBytes = (virtualSize: number, seed: number, length = 512): DiskContent => {
  const kept = Math.min(length, virtualSize);
  return { virtualSize, islands: [{ offset: virtualSize - kept, length: kept, fill: 'noise' }], seed };
};

/** Writes a raw disk: its islands, and holes between them. */
export async function writeRaw(path: string, { virtualSize, islands, seed }: DiskContent): Promise<string> {
  await using file = await open(path, 'w');
  await file.truncate(virtualSize);
  for (const [index, island] of islands.entries()) {
    const bytes = island.fill === 'noise' ? noise(island.length, seed * 1009 + index) : Buffer.alloc(island.length, island.fill);
    await file.write(bytes, 0, bytes.length, island.offset);
  }
  return path;
}

/** Bytes that look random and are the same for the same seed. */
function noise(length: number, seed: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32LE(seed >>> 0);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

/** What a guest may do to a disk, as commands for qemu-io: writes, rewrites, zeros with and without unmapping, discards. Whole sectors, inside the disk. */
export function guestEdits(virtualSize: number, seed: number, count = 10): readonly string[] {
  const random = seededRandom(seed);
  const sectors = Math.floor(virtualSize / 512);
  const kinds = [(byte: number) => `write -P ${byte}`, (byte: number) => `write -P ${byte}`, () => 'write -z', () => 'write -z -u', () => 'discard'];
  return Array.from({ length: count }, () => {
    const kind = kinds[Math.floor(random() * kinds.length)] ?? (() => 'discard');
    const at = Math.floor(random() * sectors);
    const length = Math.min(1 + Math.floor(random() * (random() < 0.3 ? 4096 : 300)), sectors - at);
    return `${kind(1 + Math.floor(random() * 255))} ${at * 512} ${length * 512}`;
  });
}
