// ECMA-119 (ISO 9660), section 8 "Volume Descriptors"; El Torito 1.0, section 2.0 "Boot Record Volume Descriptor".
import { HyperError } from '@hypersdk/domain';
import { tidyText } from './said-fields.ts';

const SECTOR = 2048;
/** Section 6.2.1: the system area before it belongs to whoever boots from the disc. */
const FIRST = 16;
/** Discs have three or four; a set that does not end here is not looked through. */
const DESCRIPTORS_MAX = 16;
/** From the beginning of an image to where all its descriptors were seen. */
export const ISO_HEAD_SIZE = (FIRST + DESCRIPTORS_MAX) * SECTOR;
const Type = { boot: 0, primary: 1, terminator: 255 } as const;
const EL_TORITO = 'EL TORITO SPECIFICATION';

export interface IsoDescriptor {
  readonly label?: string;
  readonly isBootable: boolean;
  /** What the disc says that it takes, in bytes. */
  readonly spaceSize: number;
}

/** Reads the descriptors in the beginning of an image; `image/malformed` when it is none of a disc. */
export function parseIsoDescriptor(head: Uint8Array): IsoDescriptor {
  let primary: Omit<IsoDescriptor, 'isBootable'> | undefined;
  let isBootable = false;
  for (let at = FIRST * SECTOR; at + SECTOR <= Math.min(head.length, ISO_HEAD_SIZE); at += SECTOR) {
    const sector = Buffer.from(head.buffer, head.byteOffset + at, SECTOR);
    // Section 8.1: the same five characters in each.
    if (sector.toString('latin1', 1, 6) !== 'CD001') break;
    const type = sector.readUInt8(0);
    if (type === Type.terminator) break;
    if (type === Type.boot && sector.toString('latin1', 7, 7 + EL_TORITO.length) === EL_TORITO) isBootable = true;
    if (type === Type.primary) primary ??= readPrimary(sector);
  }
  if (!primary) throw malformed('there is no volume descriptor in its sector 16');
  return { ...primary, isBootable };
}

/** Section 8.4: sizes are there in both byte orders, of which the first is little-endian. */
function readPrimary(sector: Buffer): Omit<IsoDescriptor, 'isBootable'> {
  const blockSize = sector.readUInt16LE(128);
  if (![512, 1024, 2048].includes(blockSize)) throw malformed(`its blocks have ${blockSize} bytes`);
  const label = tidyText(sector.toString('latin1', 40, 72));
  return { ...(label === undefined ? {} : { label }), spaceSize: sector.readUInt32LE(80) * blockSize };
}

const malformed = (why: string): HyperError =>
  new HyperError('image/malformed', `This is not the image of a disc: ${why}.`, { detail: { format: 'iso' } });
