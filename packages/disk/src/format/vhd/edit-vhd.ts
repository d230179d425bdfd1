// For tests: takes a sound image and changes it in one place.
import { KIB, MIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { MemoryFile } from '../../file/memory-file.ts';
import { buildImage, diskOf } from '../blocks/build-image.ts';
import { checksumOf } from './checksum.ts';

const FOOTER_SIZE = 512;
/** Where our dynamic disks have their header and table. */
export const HEADER = 512;
export const TABLE = 1536;

/** An image to be changed. `footer` is the one at the end; a dynamic disk has its copy at 0. */
export interface EditedVhd {
  readonly bytes: Buffer;
  readonly footer: number;
  /** Where the bitmaps of the first two blocks lie. */
  readonly first: number;
  readonly second: number;
}

export type VhdEdit = (image: EditedVhd) => Uint8Array | void;

/** A disk of 10 MiB. In blocks of 2 MiB, 64 KiB of the first, all of the third and the end of the last have something on them. */
export function editVhd(subformat: 'dynamic' | 'fixed', edit: VhdEdit): Uint8Array {
  const bytes = Buffer.from(soundVhd({ format: 'vhd', subformat }));
  const sectorAt = (entry: number): number => bytes.readUInt32BE(TABLE + entry * 4) * 512;
  const changed = edit({ bytes, footer: bytes.length - FOOTER_SIZE, first: sectorAt(0), second: sectorAt(2) });
  return changed ?? bytes;
}

const sound = new Map<string, Uint8Array>();

function soundVhd(settings: ImageSettings): Uint8Array {
  const key = JSON.stringify(settings);
  const known = sound.get(key);
  if (known) return known;
  const file = new MemoryFile();
  buildImage(file, diskOf(soundDisk()), settings);
  sound.set(key, file.bytes);
  return file.bytes;
}

export function soundDisk(): Uint8Array {
  return new Uint8Array(10 * MIB)
    .fill(1, 0, 64 * KIB)
    .fill(2, 4 * MIB, 6 * MIB)
    .fill(3, 10 * MIB - 100);
}

/** Changes fields of the footer and of its copy, and makes their checksums right again. */
export const inFooters =
  (change: (footer: Buffer) => void): VhdEdit =>
  (image) => {
    inFooter(change)(image);
    const copy = image.bytes.subarray(0, FOOTER_SIZE);
    if (copy.toString('latin1', 0, 8) === 'conectix') changeChecked(copy, 64, change);
  };

/** Changes the footer at the end alone. */
export const inFooter =
  (change: (footer: Buffer) => void): VhdEdit =>
  ({ bytes, footer }) =>
    changeChecked(bytes.subarray(footer), 64, change);

export const inCopy =
  (change: (footer: Buffer) => void): VhdEdit =>
  ({ bytes }) =>
    changeChecked(bytes.subarray(0, FOOTER_SIZE), 64, change);

export const inHeader =
  (change: (header: Buffer, image: EditedVhd) => void): VhdEdit =>
  (image) =>
    changeChecked(image.bytes.subarray(HEADER, HEADER + 1024), 36, (header) => change(header, image));

function changeChecked(bytes: Buffer, checksumAt: number, change: (bytes: Buffer) => void): void {
  change(bytes);
  bytes.writeUInt32BE(checksumOf(bytes, checksumAt), checksumAt);
}

export const all =
  (...edits: readonly VhdEdit[]): VhdEdit =>
  (image) => {
    for (const edit of edits) edit(image);
  };

/** Makes a differencing disk of a dynamic one, which names its parent in the header and, where asked for, in a relative locator. */
export function asDifferencing(o: {
  readonly parentId: string;
  readonly name: string;
  readonly relative?: string;
  readonly parentTime?: number;
}): VhdEdit {
  return all(
    inFooters((footer) => {
      footer.writeUInt32BE(4, 60);
      // A disk of its own, with an identifier of its own.
      footer.writeUInt8((footer.readUInt8(68) + 1) % 256, 68);
    }),
    inHeader((header, { bytes }) => {
      header.write(o.parentId, 40, 'hex');
      header.writeUInt32BE(o.parentTime ?? 0, 56);
      header.fill(0, 64, 576);
      Buffer.from(o.name, 'utf16le').swap16().copy(header, 64);
      if (o.relative === undefined) return;
      // Behind the table there is room before the first bitmap.
      const text = Buffer.from(o.relative, 'utf16le');
      text.copy(bytes, LOCATOR_TEXT);
      header.write('W2ru', 576, 'latin1');
      header.writeUInt32BE(512, 580);
      header.writeUInt32BE(text.length, 584);
      header.writeBigUInt64BE(BigInt(LOCATOR_TEXT), 592);
    }),
  );
}

const LOCATOR_TEXT = 2048;
