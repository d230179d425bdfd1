import { KIB, MIB, type ImageFormat } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { MemoryFile } from '../../packages/disk/src/file/memory-file.ts';
import { ImageSink } from '../../packages/disk/src/format/image-sink.ts';
import { hostileQcow2s } from '../../packages/disk/src/format/qcow2/hostile-qcow2s.ts';
import { asDifferencing as asVdiChild, editVdi } from '../../packages/disk/src/format/vdi/edit-vdi.ts';
import { hostileVdis } from '../../packages/disk/src/format/vdi/hostile-vdis.ts';
import { asDifferencing as asVhdChild, editVhd } from '../../packages/disk/src/format/vhd/edit-vhd.ts';
import { hostileVhds } from '../../packages/disk/src/format/vhd/hostile-vhds.ts';
import { BITMAP_ENTRY, buildChild } from '../../packages/disk/src/format/vhdx/build-child.ts';
import { AT, editVhdx, sectorChange } from '../../packages/disk/src/format/vhdx/edit-vhdx.ts';
import { hostileVhdxs } from '../../packages/disk/src/format/vhdx/hostile-vhdxs.ts';
import { buildChain, deltaKinds } from '../../packages/disk/src/format/vmdk/build-chain.ts';
import { hostileVmdks } from '../../packages/disk/src/format/vmdk/hostile-vmdks.ts';
import { sampleOf, type Sample } from '../engine/sample.ts';

type Format = Exclude<ImageFormat, 'raw'>;

const SETTINGS: readonly ImageSettings[] = [
  { format: 'qcow2', clusterSize: 4 * KIB },
  { format: 'qcow2', compatVersion: 2 },
  { format: 'qcow2', compression: 'zlib' },
  { format: 'qcow2', compression: 'zstd' },
  { format: 'qcow2', extendedL2: true, clusterSize: 16 * KIB },
  { format: 'vmdk', subformat: 'monolithicSparse' },
  { format: 'vmdk', subformat: 'streamOptimized' },
  { format: 'vhdx', clusterSize: MIB },
  { format: 'vhdx', subformat: 'fixed' },
  { format: 'vhd', clusterSize: 512 * KIB },
  { format: 'vhd', subformat: 'fixed' },
  { format: 'vdi' },
  { format: 'vdi', subformat: 'static' },
];

/** Images that our writers and builders make, in every subformat, alone and over others. */
export async function imageSeeds(format: Format): Promise<readonly Sample[]> {
  const own = SETTINGS.filter((settings) => settings.format === format);
  return [...(await Promise.all(own.map(writeSample))), ...(CHAINS[format]?.() ?? [])];
}

/** Images that are refused: places from which damage goes further. */
export const hostileSeeds = (format: Format): readonly Sample[] => HOSTILE[format]?.() ?? [];

const alone = ({ bytes }: { readonly bytes: Uint8Array }): Sample => sampleOf({ disk: bytes });

const HOSTILE: { readonly [F in Format]?: () => readonly Sample[] } = {
  qcow2: () => hostileQcow2s().map(alone),
  vmdk: () => hostileVmdks().map(({ bytes, beside }) => sampleOf({ 'disk.vmdk': bytes, ...beside })),
  vhd: () => hostileVhds().map(alone),
  vhdx: () => hostileVhdxs().map(alone),
  vdi: () => hostileVdis().map(alone),
};

/** Disks over other disks, and with logs to be replayed. */
const CHAINS: { readonly [F in Format]?: () => readonly Sample[] } = {
  vmdk: () =>
    deltaKinds.map((kind) => {
      const { files, top } = buildChain([1, 2, 3, 4], [{ kind, cells: ['hole', 'zero', 5, 'hole'] }], { firstGrain: 0 });
      return sampleOf({ [top]: files[top] ?? new Uint8Array(0), ...without(files, top) });
    }),
  vhd: () => {
    const base = Buffer.from(editVhd('dynamic', () => undefined));
    const parentId = base.toString('hex', 68, 84);
    return [
      sampleOf({ 'top.vhd': editVhd('dynamic', asVhdChild({ parentId, name: 'base.vhd' })), 'base.vhd': base }),
      sampleOf({ 'top.vhd': editVhd('dynamic', asVhdChild({ parentId, name: '', relative: '.\\base.vhd' })), 'base.vhd': base }),
    ];
  },
  vhdx: () => {
    const base = Buffer.from(editVhdx(() => undefined));
    const linkage = guidAt(base, AT.header + 32);
    const log = editVhdx((image) => {
      const table = sectorChange(image.bytes, AT.table, (sector) => void (sector[8] = 0));
      image.log([
        { sequence: 1, changes: [table, { offset: AT.blocks, zeros: 8192 }] },
        { sequence: 2, changes: [{ offset: AT.blocks + 8192, zeros: 4096 }] },
      ]);
    });
    const parent = { locator: { parent_linkage: `{${linkage}}`, relative_path: '.\\base.vhdx' } };
    const partial = buildChild(parent, ({ bytes, entry }) => {
      entry(2, 7, 5);
      entry(BITMAP_ENTRY, 6, 6);
      const bitmap = Buffer.alloc(MIB);
      bitmap.set([0b10, 0xff, 0xff], 2 * 256);
      return Buffer.concat([bytes, bitmap]);
    });
    return [
      sampleOf({ 'top.vhdx': buildChild(parent), 'base.vhdx': base }),
      sampleOf({ 'top.vhdx': partial, 'base.vhdx': base }),
      sampleOf({ disk: log }),
    ];
  },
  vdi: () => {
    const base = Buffer.from(editVdi(() => undefined));
    const top = editVdi(asVdiChild({ parentId: base.toString('hex', 392, 408) }));
    return [sampleOf({ top, [`{${guidAt(base, 392)}}.vdi`]: base })];
  },
};

function without(files: Readonly<Record<string, Uint8Array>>, name: string): Readonly<Record<string, Uint8Array>> {
  return Object.fromEntries(Object.entries(files).filter(([other]) => other !== name));
}

function guidAt(bytes: Buffer, at: number): string {
  const hex = (from: number, to: number): string => bytes.toString('hex', at + from, at + to);
  const turned = (from: number, to: number): string =>
    Buffer.from(bytes.subarray(at + from, at + to))
      .reverse()
      .toString('hex');
  return `${turned(0, 4)}-${turned(4, 6)}-${turned(6, 8)}-${hex(8, 10)}-${hex(10, 16)}`;
}

async function writeSample(settings: ImageSettings): Promise<Sample> {
  const file = new MemoryFile();
  const medium = { file, sync: async () => {}, publish: () => {}, discard: () => {} };
  await using sink = new ImageSink(medium, 2 * MIB + 512, settings);
  const { signal } = new AbortController();
  for (const offset of [0, 70 * KIB, MIB]) await sink.write(offset, Buffer.from(`some content at ${offset} `.repeat(300)), { signal });
  await sink.finish({ signal });
  return sampleOf({ disk: file.bytes.slice() });
}
