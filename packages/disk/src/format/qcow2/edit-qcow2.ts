import { KIB, type ErrorCode, type ReferencePolicy } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import { MemoryFile } from '../../file/memory-file.ts';
import { buildQcow2, contentOf } from './build-qcow2.ts';

/** Test only: an image that must be refused, with the code and a part of the message that no other one has. */
export interface HostileQcow2 {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly code: ErrorCode;
  readonly message: string;
  /** `refuse` when absent. */
  readonly references?: ReferencePolicy;
}

export const CLUSTER = 4 * KIB;
export const FIELD = {
  version: 4,
  backing: 8,
  backingLength: 16,
  clusterBits: 20,
  size: 24,
  encryption: 32,
  l1Count: 36,
  l1: 40,
  refcountTable: 48,
  refcountClusters: 56,
  snapshotCount: 60,
} as const;
export const FIELD_V3 = { snapshots: 64, incompatible: 72, refcountOrder: 96, headerLength: 100, compressionType: 104, extensions: 112 } as const;
export const BIT = { corrupt: 1n << 1n, dataFile: 1n << 2n, compressionType: 1n << 3n, extendedL2: 1n << 4n } as const;
export const EXTENSION = { backingFormat: 0xe2_79_2a_ca, featureNames: 0x68_03_f8_57, dataFile: 0x44_41_54_41, unknown: 0x12_34_56_78 } as const;

/** A sound image, to be broken, and where its tables lie. */
export interface Sound {
  readonly bytes: Buffer;
  readonly l1: number;
  readonly l2: number;
  readonly refcountTable: number;
}

export type Break = (image: Sound) => void | Buffer;

export function sound(settings: Omit<ImageSettings, 'format'>): Sound {
  const content = new Uint8Array(16 * (settings.clusterSize ?? CLUSTER));
  content.fill(0xa5, 0, content.length / 2);
  const file = new MemoryFile();
  buildQcow2(file, contentOf(content), settings);
  const bytes = Buffer.from(file.bytes);
  const l1 = Number(bytes.readBigUInt64BE(FIELD.l1));
  return {
    bytes,
    l1,
    l2: Number(bytes.readBigUInt64BE(l1) & 0xff_ff_ff_ff_ff_ffn),
    refcountTable: Number(bytes.readBigUInt64BE(FIELD.refcountTable)),
  };
}

export function broken(name: string, expected: Pick<HostileQcow2, 'message'> & Partial<HostileQcow2>, breakIt: Break): HostileQcow2 {
  return made(sound({ clusterSize: CLUSTER }), name, { expected, breakIt });
}

export function made(
  image: Sound,
  name: string,
  { expected, breakIt }: { readonly expected: Pick<HostileQcow2, 'message'> & Partial<HostileQcow2>; readonly breakIt: Break },
): HostileQcow2 {
  const bytes = breakIt(image) ?? image.bytes;
  return { name, bytes, code: 'image/malformed', ...expected };
}

export const u32 =
  (at: number, value: number): Break =>
  ({ bytes }) => {
    bytes.writeUInt32BE(value, at);
  };
export const u64 =
  (at: number, value: bigint): Break =>
  ({ bytes }) => {
    bytes.writeBigUInt64BE(value, at);
  };
export const all =
  (...breaks: readonly Break[]): Break =>
  (image) =>
    breaks.forEach((each) => each(image));

export function extension(type: number, content: Buffer): Break {
  return ({ bytes }) => {
    bytes.writeUInt32BE(type, FIELD_V3.extensions);
    bytes.writeUInt32BE(content.length, FIELD_V3.extensions + 4);
    content.copy(bytes, FIELD_V3.extensions + 8);
  };
}

export const l2 =
  (value: (image: Sound) => bigint, second = 0n): Break =>
  (image) => {
    image.bytes.writeBigUInt64BE(value(image), image.l2);
    if (second !== 0n) image.bytes.writeBigUInt64BE(second, image.l2 + 8);
  };

export const COMPRESSED = 1n << 62n;
