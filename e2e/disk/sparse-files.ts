import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { imageInspector } from '@hypersdk/disk';
import type { ImageRef } from '@hypersdk/domain';
import type { CopyRequest, ImageSettings } from '@hypersdk/ports';
import { calm, materialise, type SparseDisk } from '@hypersdk/testkit';

/** Writes the disk as a raw file, holes where it was never written. */
export async function writeDisk(path: string, disk: SparseDisk): Promise<ImageRef> {
  await using file = await open(path, 'w');
  await file.truncate(disk.virtualSize);
  for (const piece of disk.pieces) {
    const bytes = materialise(disk, piece);
    await file.write(bytes, 0, bytes.length, piece.offset);
  }
  return { path, format: 'raw', references: 'refuse' };
}

/** Changes the byte at `offset` of a file to another one. */
export async function flipByte(path: string, offset: number): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, offset);
  byte.writeUInt8(byte.readUInt8() ^ 0x5a);
  await file.write(byte, 0, 1, offset);
}

export const digestOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

/** A proven, resumable copy, unless something else is asked for. */
export async function requestFor(
  image: ImageRef,
  path: string,
  o: { readonly settings: ImageSettings } & Partial<CopyRequest>,
): Promise<CopyRequest> {
  return {
    source: { kind: 'image', image },
    sourceMark: await imageInspector.mark(image, calm),
    path,
    digest: 'tree',
    durability: 'sync',
    verifyPercent: 100,
    overwrite: false,
    restart: false,
    ...o,
  };
}
