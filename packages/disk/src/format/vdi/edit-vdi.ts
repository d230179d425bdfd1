// For tests: takes a sound image and changes it in one place.
import { KIB, MIB } from '@hypersdk/domain';
import { MemoryFile } from '../../file/memory-file.ts';
import { buildImage, diskOf } from '../blocks/build-image.ts';

const TABLE = 512;
export type VdiEdit = (bytes: Buffer) => Uint8Array | void;

/** A dynamic disk of 8 MiB and a sector. Blocks 0, 3 and 4 have something on them, and the last sector. */
export function editVdi(edit: VdiEdit): Uint8Array {
  const bytes = Buffer.from(soundVdi());
  return edit(bytes) ?? bytes;
}

let sound: Uint8Array | undefined;

function soundVdi(): Uint8Array {
  if (sound) return sound;
  const file = new MemoryFile();
  buildImage(file, diskOf(soundDisk()), { format: 'vdi' });
  sound = file.bytes;
  return sound;
}

export function soundDisk(): Uint8Array {
  return new Uint8Array(8 * MIB + 512)
    .fill(1, 0, 64 * KIB)
    .fill(2, 3 * MIB, 5 * MIB)
    .fill(3, 8 * MIB);
}

export const u32 =
  (at: number, value: number): VdiEdit =>
  (bytes) =>
    void bytes.writeUInt32LE(value, at);
export const entry = (index: number, value: number): VdiEdit => u32(TABLE + index * 4, value);
export const all =
  (...edits: readonly VdiEdit[]): VdiEdit =>
  (bytes) => {
    for (const edit of edits) edit(bytes);
  };

/** Makes a differencing disk of it. Identifiers are 32 hexadecimal digits. */
export const asDifferencing = (o: { readonly parentId: string; readonly parentChangeId?: string }): VdiEdit =>
  all(u32(76, 4), (bytes) => {
    bytes.fill(0x77, 392, 408);
    bytes.write(o.parentId, 424, 'hex');
    bytes.write(o.parentChangeId ?? '', 440, 'hex');
  });
