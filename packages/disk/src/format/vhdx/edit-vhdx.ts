// For tests: takes a sound image and changes it in one place.
import { KIB, MIB } from '@hypersdk/domain';
import { MemoryFile } from '../../file/memory-file.ts';
import { buildLogEntry, type Change, type EntryToBuild } from './build-log.ts';
import { checksumOf } from './checksum.ts';
import { vhdxWriter } from './writer.ts';

const BLOCK = MIB;
export const DISK_SIZE = 6 * MIB;
const STRUCTURES = [64 * KIB, 128 * KIB, 192 * KIB, 256 * KIB] as const;
const STRUCTURE_SIZES = [4 * KIB, 4 * KIB, 64 * KIB, 64 * KIB] as const;
export const LOG_GUID: Uint8Array = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

/** Where things lie in the sound image. */
export const AT = {
  header: STRUCTURES[1],
  olderHeader: STRUCTURES[0],
  regions: STRUCTURES[2],
  regionEntry: STRUCTURES[2] + 16,
  log: MIB,
  metadata: 2 * MIB,
  parameters: 2 * MIB + 64 * KIB,
  size: 2 * MIB + 64 * KIB + 8,
  sectorSize: 2 * MIB + 64 * KIB + 32,
  table: 3 * MIB,
  blocks: 4 * MIB,
} as const;

/** An image to be changed: blocks of 1 MiB, of which 0 and 2 are there, full of 1 and 3. */
export interface EditedVhdx {
  readonly bytes: Buffer;
  /** Changes one of the structures that exist twice, in both copies. */
  both(offset: number, change: (structure: Buffer) => unknown): void;
  /** Says where a block lies: its state, and the MiB of the file. */
  entry(index: number, state: number, mebibytes: number): void;
  /** Puts the log to use, and entries into it one behind the other. */
  log(entries: readonly LogToBuild[], o?: { readonly start?: number; readonly guid?: Uint8Array }): readonly number[];
}

export type LogToBuild = Pick<EntryToBuild, 'sequence' | 'changes'> & Partial<EntryToBuild>;

/** Checksums are made anew afterwards, unless they are what is wrong. */
export function editVhdx(edit: (image: EditedVhdx) => Uint8Array | void, o: { readonly keepChecksums?: true } = {}): Uint8Array {
  const bytes = Buffer.from(soundImage());
  const changed = edit({
    bytes,
    both: (offset, change) => [0, offset < AT.regions ? -64 * KIB : 64 * KIB].forEach((step) => change(bytes.subarray(offset + step))),
    entry: (index, state, mebibytes) => void bytes.writeBigUInt64LE((BigInt(mebibytes) << 20n) + BigInt(state), AT.table + index * 8),
    log: (entries, at) => writeLog(bytes, entries, at),
  });
  const result = Buffer.from(changed ?? bytes);
  if (!o.keepChecksums) sumAll(result);
  return result;
}

let sound: Uint8Array | undefined;

function soundImage(): Uint8Array {
  sound ??= buildSmall((offset, into) => (offset === 0 || offset === 2 * BLOCK ? into.fill(1 + offset / BLOCK) : into));
  return sound;
}

/** An image of blocks of 1 MiB, each filled by `fill`; those that stay zeros are left out. */
function buildSmall(fill: (offset: number, into: Buffer) => Buffer): Uint8Array {
  const file = new MemoryFile();
  const plan = vhdxWriter.plan(DISK_SIZE, { format: 'vhdx', clusterSize: BLOCK });
  const layout = vhdxWriter.layout(plan, file);
  for (let leaf = 0; leaf < 2; leaf += 1) {
    const disk = Buffer.concat(Array.from({ length: 4 }, (_, index) => fill((leaf * 4 + index) * BLOCK, Buffer.alloc(BLOCK))));
    const sizes = Uint32Array.from({ length: 64 }, (_, unit) => ((disk[unit * plan.unitSize] ?? 0) > 0 ? plan.unitSize : 0));
    const offsets = new Float64Array(64);
    layout.place(leaf, sizes, offsets);
    sizes.forEach((size, unit) => size > 0 && file.write(offsets[unit] ?? 0, disk.subarray(unit * size, (unit + 1) * size)));
  }
  layout.finish();
  return file.bytes;
}

function sumAll(bytes: Buffer): void {
  STRUCTURES.forEach((offset, index) => {
    if (offset + (STRUCTURE_SIZES[index] ?? 0) > bytes.length) return;
    const structure = bytes.subarray(offset, offset + (STRUCTURE_SIZES[index] ?? 0));
    structure.writeUInt32LE(checksumOf(structure), 4);
  });
}

function writeLog(bytes: Buffer, entries: readonly LogToBuild[], o: { readonly start?: number; readonly guid?: Uint8Array } = {}): readonly number[] {
  bytes.set(o.guid ?? LOG_GUID, AT.header + 48);
  const start = o.start ?? 0;
  let end = start;
  return entries.map((entry) => {
    const built = buildLogEntry({ tail: start, guid: LOG_GUID, fileSize: bytes.length, ...entry });
    const place = end;
    // A ring: what does not fit at the end goes on at the start.
    for (let at = 0; at < built.length; at += 4 * KIB) bytes.set(built.subarray(at, at + 4 * KIB), AT.log + ((end + at) % MIB));
    end = (end + built.length) % MIB;
    return place;
  });
}

/** A change that makes the whole of a sector of the file what it is in `bytes`, after `edit`. */
export function sectorChange(bytes: Uint8Array, offset: number, edit: (sector: Buffer) => void): Change {
  const sector = Buffer.from(bytes.subarray(offset, offset + 4 * KIB));
  edit(sector);
  return { offset, bytes: sector };
}
