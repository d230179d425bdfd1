import { misbehaves } from './refusals.ts';
import { PAYLOAD_SIZE_DEFAULT, TransmissionFlag } from './protocol.ts';

/** What a server says of an export, after it was looked at. */
export interface NbdExport {
  readonly size: number;
  readonly readOnly: boolean;
  /** Takes flushes; without them nobody knows when what was written is on the medium. */
  readonly canFlush: boolean;
  /** Writes zeros by themselves, without their bytes on the line. */
  readonly canZero: boolean;
  /** Several connections see each other's writes, and may share the work. */
  readonly canMultiConn: boolean;
  readonly blockSize: BlockSize;
  readonly description?: string;
  /** Numbers by which the server names the contexts that were asked for and that it has. */
  readonly contexts: ReadonlyMap<string, number>;
  readonly replies: ReplyStyle;
}

export type ReplyStyle = 'simple' | 'structured' | 'extended';

/** Requests start and end on multiples of `minimum` and carry at most `maximum` bytes. */
export interface BlockSize {
  readonly minimum: number;
  readonly preferred: number;
  readonly maximum: number;
}

/** "Block size constraints": what a client may assume of a server that says nothing. */
export const BLOCK_SIZE_DEFAULT: BlockSize = { minimum: 1, preferred: 4096, maximum: PAYLOAD_SIZE_DEFAULT };

/** Larger ones make a request of one block exceed what is worth holding in memory. */
const MINIMUM_BLOCK_MAX = 1024 * 1024;
/** The number that says that there is no limit. */
const NO_MAXIMUM = 0xffffffff;

/** As much as the engine takes, whatever the source. */
const SIZE_MAX = 64 * 1024 ** 4;

export function parseSize(size: bigint): number {
  if (size > BigInt(SIZE_MAX)) throw misbehaves('nbd/malformed-export', `offers a disk of ${size} bytes, which is more than ${SIZE_MAX}`);
  return Number(size);
}

export function parseTransmissionFlags(flags: number): Pick<NbdExport, 'readOnly' | 'canFlush' | 'canZero' | 'canMultiConn'> {
  if ((flags & TransmissionFlag.hasFlags) === 0) throw misbehaves('nbd/malformed-export', 'offers a disk without its flags');
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const { readOnly, sendFlush, sendWriteZeroes, canMultiConn } = TransmissionFlag;
  return { readOnly: has(readOnly), canFlush: has(sendFlush), canZero: has(sendWriteZeroes), canMultiConn: has(canMultiConn) };
}

/** Reads an information of block sizes, without the number of its kind. */
export function parseBlockSize(bytes: Buffer): BlockSize {
  const minimum = bytes.readUInt32BE(0);
  const preferred = bytes.readUInt32BE(4);
  const maximum = bytes.readUInt32BE(8);
  const why = whyNoBlockSize({ minimum, preferred, maximum });
  if (why) throw misbehaves('nbd/malformed-export', `names block sizes ${minimum}, ${preferred}, ${maximum}: ${why}`);
  return { minimum, preferred, maximum: Math.min(maximum, PAYLOAD_SIZE_DEFAULT) };
}

function whyNoBlockSize({ minimum, preferred, maximum }: BlockSize): string | undefined {
  if (!isPowerOfTwo(minimum)) return 'the smallest is no power of two';
  if (minimum > MINIMUM_BLOCK_MAX) return `the smallest exceeds ${MINIMUM_BLOCK_MAX}`;
  if (!isPowerOfTwo(preferred) || preferred < minimum) return 'the preferred one is no power of two from the smallest on';
  if (maximum !== NO_MAXIMUM && (maximum < minimum || maximum % minimum !== 0)) return 'the largest is no multiple of the smallest';
  return undefined;
}

/** No bitwise test: sizes use all 32 bits. */
const isPowerOfTwo = (value: number): boolean => value > 0 && Number.isInteger(Math.log2(value));

/** The bytes behind the last whole block can never be asked for: better no disk than one that lacks its end. */
export function requireWholeBlocks(size: number, { minimum }: BlockSize): void {
  if (size % minimum === 0) return;
  throw misbehaves('nbd/malformed-export', `offers ${size} bytes in blocks of ${minimum}: the last ${size % minimum} bytes could not be read`);
}
