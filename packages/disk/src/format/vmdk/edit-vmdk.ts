// For tests: takes a sound image and damages it in one place.
import { deflateSync } from 'node:zlib';
import { KIB, MIB } from '@hypersdk/domain';
import { buildVmdk } from './build-vmdk.ts';
import type { VmdkSubformat } from './vmdk-plan.ts';

const UNIT = 64 * KIB;
const FOOTER_FROM_END = 1024;
const DIRECTORY_FIELD = 56;

/** An image to be damaged. Offsets are bytes of the file. */
export interface EditedVmdk {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly directory: number;
  /** The table of the first 32 MiB. */
  readonly table: number;
  /** The second table. */
  readonly nextTable: number;
  /** Where the first grain, or its marker, lies. */
  readonly grain: number;
}

/** A disk of 40 MiB with grains 0 and 1 in its first table and grain 512 in its second. */
export function editVmdk(subformat: VmdkSubformat, edit: (image: EditedVmdk) => Uint8Array | void): Uint8Array {
  const bytes = soundImage(subformat).slice();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = subformat === 'streamOptimized' ? bytes.length - FOOTER_FROM_END : 0;
  const directory = Number(view.getBigUint64(header + DIRECTORY_FIELD, true)) * 512;
  const [table, nextTable] = [sectorAt(view, directory), sectorAt(view, directory + 4)];
  const changed = edit({ view, bytes, directory, table, nextTable, grain: sectorAt(view, table) });
  return changed ?? bytes;
}

const sound = new Map<VmdkSubformat, Uint8Array>();

function soundImage(subformat: VmdkSubformat): Uint8Array {
  const known = sound.get(subformat);
  if (known) return known;
  const disk = new Uint8Array(40 * MIB);
  // Bytes that hardly compress, so that a grain takes many sectors.
  for (let at = 0; at < 2 * UNIT; at += 1) disk[at] = (Math.imul(at, 2654435761) >>> 13) & 0xff;
  disk.fill(5, 512 * UNIT, 513 * UNIT);
  const image = buildVmdk(disk, { subformat });
  sound.set(subformat, image);
  return image;
}

const sectorAt = (view: DataView, offset: number): number => view.getUint32(offset, true) * 512;

/** Puts another zlib stream behind the marker of the first grain, saying how long it is. */
export function replaceGrain({ view, bytes, grain }: EditedVmdk, content: Uint8Array): void {
  const stored = deflateSync(content);
  bytes.set(stored, grain + 12);
  view.setUint32(grain + 8, stored.length, true);
}

/** Replaces text of the embedded descriptor and keeps the room it has. */
export function editDescriptor({ bytes }: EditedVmdk, from: string, to: string): void {
  const room = bytes.subarray(512, 21 * 512);
  const text = Buffer.from(room).toString('latin1').replace(/\0+$/, '');
  if (!text.includes(from)) throw new Error(`The descriptor has no ${from}.`);
  room.fill(0);
  room.set(Buffer.from(text.replace(from, to), 'latin1'));
}
