import type { ImageFormat } from '@hypersdk/domain';
import type { ImageReader } from './disk-image.ts';
import type { ImageWriter } from './image-writer.ts';
import { qcow2Reader, qcow2Writer } from './qcow2/index.ts';
import { rawReader, rawWriter } from './raw/index.ts';
import { vdiReader, vdiWriter } from './vdi/index.ts';
import { vhdReader, vhdWriter } from './vhd/index.ts';
import { vhdxReader, vhdxWriter } from './vhdx/index.ts';
import { vmdkReader, vmdkWriter } from './vmdk/index.ts';

/** The only lists of formats. A format that is missing from either does not compile. */
export const imageReaders: { readonly [F in ImageFormat]: ImageReader & { readonly format: F } } = {
  raw: rawReader,
  qcow2: qcow2Reader,
  vmdk: vmdkReader,
  vhdx: vhdxReader,
  vhd: vhdReader,
  vdi: vdiReader,
};

export const imageWriters: { readonly [F in ImageFormat]: ImageWriter } = {
  raw: rawWriter,
  qcow2: qcow2Writer,
  vmdk: vmdkWriter,
  vhdx: vhdxWriter,
  vhd: vhdWriter,
  vdi: vdiWriter,
};
