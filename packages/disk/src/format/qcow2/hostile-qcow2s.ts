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

const CLUSTER = 4 * KIB;
const FIELD = {
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
const FIELD_V3 = { snapshots: 64, incompatible: 72, refcountOrder: 96, headerLength: 100, compressionType: 104, extensions: 112 } as const;
const BIT = { corrupt: 1n << 1n, dataFile: 1n << 2n, compressionType: 1n << 3n, extendedL2: 1n << 4n } as const;
const EXTENSION = { backingFormat: 0xe2_79_2a_ca, featureNames: 0x68_03_f8_57, dataFile: 0x44_41_54_41, unknown: 0x12_34_56_78 } as const;

/** A sound image, to be broken, and where its tables lie. */
interface Sound {
  readonly bytes: Buffer;
  readonly l1: number;
  readonly l2: number;
  readonly refcountTable: number;
}

type Break = (image: Sound) => void | Buffer;

function sound(settings: Omit<ImageSettings, 'format'>): Sound {
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

export const hostileQcow2s = (): HostileQcow2[] => [
  ...headers(),
  ...features(),
  ...extensions(),
  ...tables(),
  ...l1Entries(),
  ...l2Entries(),
  ...compressedClusters(),
  ...extendedEntries(),
  ...references(),
];

function broken(name: string, expected: Pick<HostileQcow2, 'message'> & Partial<HostileQcow2>, breakIt: Break): HostileQcow2 {
  return made(sound({ clusterSize: CLUSTER }), name, { expected, breakIt });
}

function made(
  image: Sound,
  name: string,
  { expected, breakIt }: { readonly expected: Pick<HostileQcow2, 'message'> & Partial<HostileQcow2>; readonly breakIt: Break },
): HostileQcow2 {
  const bytes = breakIt(image) ?? image.bytes;
  return { name, bytes, code: 'image/malformed', ...expected };
}

const u32 =
  (at: number, value: number): Break =>
  ({ bytes }) => {
    bytes.writeUInt32BE(value, at);
  };
const u64 =
  (at: number, value: bigint): Break =>
  ({ bytes }) => {
    bytes.writeBigUInt64BE(value, at);
  };
const all =
  (...breaks: readonly Break[]): Break =>
  (image) =>
    breaks.forEach((each) => each(image));

const headers = (): HostileQcow2[] => [
  broken('an empty file', { message: 'the file has 0 bytes' }, () => Buffer.alloc(0)),
  broken('a file of one byte less than a header', { message: 'the file has 71 bytes' }, ({ bytes }) => bytes.subarray(0, 71)),
  broken('a version 3 header cut short', { message: 'fewer than a version 3 header' }, ({ bytes }) => bytes.subarray(0, 100)),
  broken('another signature', { code: 'image/format-mismatch', message: 'does not begin with the qcow2 signature' }, u32(0, 0x51_46_49_fc)),
  broken('version 1', { code: 'image/unsupported', message: 'version 1 is not known' }, u32(FIELD.version, 1)),
  broken('version 4', { code: 'image/unsupported', message: 'version 4 is not known' }, u32(FIELD.version, 4)),
  broken('clusters of 256 bytes', { message: 'clusters of 2^8 bytes' }, u32(FIELD.clusterBits, 8)),
  broken('clusters of 4 MiB', { message: 'clusters of 2^22 bytes' }, u32(FIELD.clusterBits, 22)),
  broken('clusters beyond any number', { message: 'clusters of 2^4294967295 bytes' }, u32(FIELD.clusterBits, 0xff_ff_ff_ff)),
  broken('a header shorter than version 3', { message: 'a header length of 96 is less' }, u32(FIELD_V3.headerLength, 96)),
  broken('a header of an odd length', { message: 'a header length of 108 is not a multiple of 8' }, u32(FIELD_V3.headerLength, 108)),
  broken('a header larger than its cluster', { message: 'a header length of 8192 is more than' }, u32(FIELD_V3.headerLength, 8192)),
  broken('a refcount order of 7', { message: 'a refcount order of 7 is above 6' }, u32(FIELD_V3.refcountOrder, 7)),
  broken('a disk of 2^63 bytes', { code: 'image/too-large', message: 'a disk of 9223372036854775808 bytes' }, u64(FIELD.size, 1n << 63n)),
  broken('a disk of 65 TiB', { code: 'image/too-large', message: 'a disk of 71468255805440 bytes' }, u64(FIELD.size, 65n << 40n)),
  broken('a backing file without a name', { message: 'whose name is empty' }, u64(FIELD.backing, 2048n)),
  broken(
    'a backing file name of 1024 bytes',
    { message: 'a backing file name of 1024 bytes' },
    all(u64(FIELD.backing, 2048n), u32(FIELD.backingLength, 1024)),
  ),
  broken(
    'a backing file name behind the first cluster',
    { message: 'lies outside the first cluster' },
    all(u64(FIELD.backing, 4090n), u32(FIELD.backingLength, 7)),
  ),
  broken('a backing file name in the header', { message: 'lies inside the header' }, all(u64(FIELD.backing, 64n), u32(FIELD.backingLength, 7))),
];

const features = (): HostileQcow2[] => [
  broken(
    'an unknown feature',
    { code: 'image/unsupported', message: 'it needs the unknown feature 5 (at byte' },
    all(u64(FIELD_V3.incompatible, 1n << 5n), featureName(1, 5, 'of another kind')),
  ),
  broken(
    'an unknown feature with a name',
    { code: 'image/unsupported', message: 'the unknown feature 63 ("time travel")' },
    all(u64(FIELD_V3.incompatible, 1n << 63n), featureName(0, 63, 'time travel')),
  ),
  broken('the corrupt bit', { message: 'it is marked as corrupt' }, u64(FIELD_V3.incompatible, BIT.corrupt)),
  broken('AES encryption', { code: 'image/encrypted', message: 'encrypted (AES)' }, u32(FIELD.encryption, 1)),
  broken('LUKS encryption', { code: 'image/encrypted', message: 'encrypted (LUKS)' }, u32(FIELD.encryption, 2)),
  broken('an unknown encryption', { message: 'encryption method 3 is not known' }, u32(FIELD.encryption, 3)),
  broken('extended L2 entries in small clusters', { message: 'extended L2 entries need clusters' }, u64(FIELD_V3.incompatible, BIT.extendedL2)),
  broken('the compression type bit alone', { message: 'a compression type is set, but none is' }, u64(FIELD_V3.incompatible, BIT.compressionType)),
  broken(
    'a compression type without its bit',
    { message: 'compression type 1 is set without its feature bit' },
    u32(FIELD_V3.compressionType, 1 << 24),
  ),
  broken(
    'an unknown compression type',
    { code: 'image/unsupported', message: 'compression type 2 is not known' },
    all(u64(FIELD_V3.incompatible, BIT.compressionType), u32(FIELD_V3.compressionType, 2 << 24)),
  ),
];

function extension(type: number, content: Buffer): Break {
  return ({ bytes }) => {
    bytes.writeUInt32BE(type, FIELD_V3.extensions);
    bytes.writeUInt32BE(content.length, FIELD_V3.extensions + 4);
    content.copy(bytes, FIELD_V3.extensions + 8);
  };
}

function featureName(kind: number, bit: number, name: string): Break {
  const entry = Buffer.alloc(48);
  entry.write(name, 2);
  entry.set([kind, bit]);
  return extension(EXTENSION.featureNames, entry);
}

const extensions = (): HostileQcow2[] => [
  broken(
    'an extension longer than its cluster',
    { message: 'a header extension of 4096 bytes reaches past' },
    all(u32(FIELD_V3.extensions, EXTENSION.unknown), u32(FIELD_V3.extensions + 4, 4096)),
  ),
  broken(
    'an extension of 4 GiB',
    { message: 'a header extension of 4294967295 bytes' },
    all(u32(FIELD_V3.extensions, EXTENSION.unknown), u32(FIELD_V3.extensions + 4, 0xff_ff_ff_ff)),
  ),
  broken('more extensions than there are kinds', { message: 'it has more than 64 header extensions' }, ({ bytes }) => {
    for (let at: number = FIELD_V3.extensions; at < CLUSTER; at += 8) bytes.writeUInt32BE(EXTENSION.unknown, at);
  }),
  broken('an empty backing format', { message: 'the backing format has 0 bytes' }, extension(EXTENSION.backingFormat, Buffer.alloc(0))),
  broken(
    'an endless data file name',
    { message: 'the external data file name has 1024 bytes' },
    extension(EXTENSION.dataFile, Buffer.alloc(1024, 'a')),
  ),
];

const tables = (): HostileQcow2[] => [
  broken('an L1 table of 4 billion entries', { message: 'an L1 table of 4294967295 entries is larger' }, u32(FIELD.l1Count, 0xff_ff_ff_ff)),
  broken('an L1 table too small for the disk', { message: 'does not cover the disk, which needs 33554432' }, u64(FIELD.size, 64n << 40n)),
  broken('an L1 table at an odd place', { message: 'the L1 table is not aligned' }, u64(FIELD.l1, 4608n)),
  broken('an L1 table behind the file', { message: 'the L1 table ends at byte 1125899906842632' }, u64(FIELD.l1, 1n << 50n)),
  broken('an L1 table beyond exact numbers', { message: 'a table offset is larger than any file (at byte 40)' }, u64(FIELD.l1, 1n << 60n)),
  broken('an L1 table in the header', { message: 'the L1 table overlaps the header' }, u64(FIELD.l1, 0n)),
  broken('no refcount table', { message: 'it has no refcount table' }, u32(FIELD.refcountClusters, 0)),
  broken('a refcount table of 8 TiB', { message: 'a refcount table of 2147483648 clusters' }, u32(FIELD.refcountClusters, 2 ** 31)),
  broken('a refcount table behind the file', { message: 'the refcount table ends at byte 1052672' }, u64(FIELD.refcountTable, 1n << 20n)),
  broken('a refcount table at an odd place', { message: 'the refcount table is not aligned' }, u64(FIELD.refcountTable, 8193n)),
  broken('a refcount table in the L1 table', { message: 'the refcount table overlaps the L1 table' }, u64(FIELD.refcountTable, BigInt(CLUSTER))),
  broken('a refcount table in the header', { message: 'the refcount table overlaps the header' }, u64(FIELD.refcountTable, 0n)),
  broken('65537 snapshots', { message: '65537 internal snapshots' }, u32(FIELD.snapshotCount, 65537)),
  broken(
    'snapshots behind the file',
    { message: 'the snapshot table ends at byte 2098152' },
    all(u32(FIELD.snapshotCount, 25), u64(FIELD_V3.snapshots, 1n << 21n)),
  ),
  broken(
    'snapshots at an odd place',
    { message: 'the snapshot table is not aligned' },
    all(u32(FIELD.snapshotCount, 1), u64(FIELD_V3.snapshots, 16385n)),
  ),
  broken('snapshots in the header', { message: 'the snapshot table overlaps the header' }, u32(FIELD.snapshotCount, 1)),
];

const l1 =
  (value: (image: Sound) => bigint): Break =>
  (image) => {
    image.bytes.writeBigUInt64BE(value(image), image.l1);
  };

const l1Entries = (): HostileQcow2[] => [
  broken(
    'reserved bits at the bottom of an L1 entry',
    { message: 'an L1 entry has reserved bits set (at byte 4096)' },
    l1(({ l2 }) => BigInt(l2) + 1n),
  ),
  broken(
    'reserved bits at the top of an L1 entry',
    { message: 'an L1 entry has reserved bits set' },
    l1(({ l2 }) => BigInt(l2) + (1n << 56n)),
  ),
  broken(
    'an L2 table at an odd place',
    { message: 'an L1 entry points to byte 16896, which is not aligned' },
    l1(() => 16896n),
  ),
  broken(
    'an L2 table behind the file',
    { message: 'an L1 entry points to byte 281474976710656, past' },
    l1(() => 1n << 48n),
  ),
  broken('an L2 table cut short by the end of the file', { message: 'an L1 entry points to byte 53248, past' }, (image) => {
    image.bytes.writeBigUInt64BE(53248n, image.l1);
    return Buffer.concat([image.bytes, Buffer.alloc(CLUSTER)]).subarray(0, 53248 + CLUSTER - 1);
  }),
  broken(
    'an L2 table in the L1 table',
    { message: 'an L1 entry points into the L1 table' },
    l1((image) => BigInt(image.l1)),
  ),
  broken(
    'an L2 table in the refcount table',
    { message: 'an L1 entry points into the refcount table' },
    l1((image) => BigInt(image.refcountTable)),
  ),
  broken('an L2 table used twice', { message: 'is used twice' }, ({ bytes, l1: at }) => {
    bytes.writeBigUInt64BE(BigInt(4096 * KIB), FIELD.size);
    bytes.writeUInt32BE(2, FIELD.l1Count);
    bytes.copy(bytes, at + 8, at, at + 8);
  }),
];

const l2 =
  (value: (image: Sound) => bigint, second = 0n): Break =>
  (image) => {
    image.bytes.writeBigUInt64BE(value(image), image.l2);
    if (second !== 0n) image.bytes.writeBigUInt64BE(second, image.l2 + 8);
  };

const l2Entries = (): HostileQcow2[] => [
  broken(
    'reserved bits at the bottom of an L2 entry',
    { message: 'an L2 entry has reserved bits set (at byte 16384)' },
    l2(() => 20480n + 2n),
  ),
  broken(
    'reserved bits at the top of an L2 entry',
    { message: 'an L2 entry has reserved bits set' },
    l2(() => 20480n + (1n << 56n)),
  ),
  broken(
    'a cluster at an odd place',
    { message: 'an L2 entry points to byte 20992, which is not aligned' },
    l2(() => 20992n),
  ),
  broken(
    'a cluster behind the file',
    { message: 'an L2 entry points to byte 1099511627776, past the end' },
    l2(() => 1n << 40n),
  ),
  broken(
    'a cluster in the L1 table',
    { message: 'an L2 entry points into the L1 table' },
    l2((image) => BigInt(image.l1)),
  ),
  broken(
    'a cluster in the refcount table',
    { message: 'an L2 entry points into the refcount table' },
    l2((image) => BigInt(image.refcountTable)),
  ),
  made(sound({ clusterSize: CLUSTER, compatVersion: 2 }), 'a zero cluster in version 2', {
    expected: { message: 'which version 2 does not know' },
    breakIt: l2(() => 1n),
  }),
];

const COMPRESSED = 1n << 62n;

const compressedClusters = (): HostileQcow2[] => [
  broken(
    'a compressed cluster behind the file',
    { message: 'a compressed cluster lies at bytes 1099511627776' },
    l2(() => COMPRESSED | (1n << 40n)),
  ),
  broken(
    'a compressed cluster that reaches behind the file',
    { message: 'a compressed cluster lies at bytes 53000 to 60928' },
    l2(() => COMPRESSED | (15n << 58n) | 53000n),
  ),
  broken(
    'a compressed cluster in the header',
    { message: 'an L2 entry points into the header' },
    l2(() => COMPRESSED | 100n),
  ),
  broken(
    'a compressed cluster beyond bit 55',
    { message: 'offset bits set beyond bit 55' },
    l2(() => COMPRESSED | (1n << 57n) | 20480n),
  ),
  broken(
    'a compressed cluster of noise',
    { message: 'does not decompress to 4096 bytes' },
    l2(() => COMPRESSED | (1n << 58n) | 20480n),
  ),
  made(sound({ clusterSize: CLUSTER, compression: 'zlib' }), 'a compressed cluster that ends early', {
    expected: { message: 'does not decompress to 8192 bytes' },
    // The same streams, read as those of clusters twice as large.
    breakIt: ({ bytes }) => enlargeClusters(bytes),
  }),
  made(sound({ clusterSize: 2 * CLUSTER, compression: 'zstd' }), 'zstd streams of noise', {
    expected: { message: 'does not decompress to 8192 bytes (' },
    breakIt: (image) => {
      const first = Number(image.bytes.readBigUInt64BE(image.l2) & 0xff_ff_ffn);
      image.bytes.fill(0xff, first, first + 4);
    },
  }),
];

/** Doubles the cluster size of an image whose tables lie at even clusters once they are moved: header, L1, refcount table and L2 table are rewritten. */
function enlargeClusters(bytes: Buffer): Buffer {
  const size = 2 * CLUSTER;
  const larger = Buffer.concat([Buffer.alloc(4 * size), bytes]);
  bytes.copy(larger, 0, 0, 112);
  const at = { l1: size, refcountTable: 2 * size, l2: 3 * size };
  larger.writeUInt32BE(13, FIELD.clusterBits);
  larger.writeBigUInt64BE(BigInt(at.l1), FIELD.l1);
  larger.writeBigUInt64BE(BigInt(at.refcountTable), FIELD.refcountTable);
  larger.writeBigUInt64BE(BigInt(at.l2), at.l1);
  const stream = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(CLUSTER) & 0xff_ff_ffn)) & 0xff_ff_ffn) + 4 * size;
  larger.writeBigUInt64BE(COMPRESSED | BigInt(stream), at.l2);
  return larger;
}

const extended = (name: string, message: string, breakIt: Break): HostileQcow2 =>
  made(sound({ clusterSize: 16 * KIB, extendedL2: true }), name, { expected: { message }, breakIt });

const extendedEntries = (): HostileQcow2[] => [
  extended('a zero flag in an extended entry', 'the zero flag of a standard entry', (image) =>
    l2(() => image.bytes.readBigUInt64BE(image.l2) | 1n)(image),
  ),
  extended('a sub-cluster that is both data and zero', 'marked as allocated and as zero', (image) =>
    l2(() => image.bytes.readBigUInt64BE(image.l2), 1n | (1n << 32n))(image),
  ),
  extended(
    'a sub-cluster without a cluster',
    'is allocated in a cluster that is not',
    l2(() => 0n, 1n),
  ),
  extended(
    'a compressed cluster with sub-clusters',
    'a compressed cluster has sub-cluster bits set',
    l2(() => COMPRESSED | 81920n, 1n),
  ),
];

function backing(name: string, format: string | undefined): Break {
  return (image) => {
    if (format !== undefined) extension(EXTENSION.backingFormat, Buffer.from(format))(image);
    image.bytes.write(name, 2048);
    all(u64(FIELD.backing, 2048n), u32(FIELD.backingLength, Buffer.byteLength(name)))(image);
  };
}

const dataFile = (name: string): Break => all(u64(FIELD_V3.incompatible, BIT.dataFile), extension(EXTENSION.dataFile, Buffer.from(name)));

const beside = (message: string): Pick<HostileQcow2, 'code' | 'message' | 'references'> => ({
  code: 'image/refused-reference',
  message,
  references: 'beside',
});

const references = (): HostileQcow2[] => [
  broken(
    'a backing file',
    { code: 'image/refused-reference', message: 'refers to the file "base.qcow2", and images may not' },
    backing('base.qcow2', 'qcow2'),
  ),
  broken(
    'an external data file',
    { code: 'image/refused-reference', message: 'refers to the file "disk.raw", and images may not' },
    dataFile('disk.raw'),
  ),
  broken(
    'an external data file without a name',
    { code: 'image/unsupported', message: 'that it does not name' },
    u64(FIELD_V3.incompatible, BIT.dataFile),
  ),
  broken('a backing file in another folder', beside('refers to "/etc/shadow", and only plain names'), backing('/etc/shadow', 'raw')),
  broken('a backing file in the folder above', beside('refers to "..", and only plain names'), backing('..', 'raw')),
  broken('a backing file with a zero byte', beside('refers to "base\\u0000.raw", and only plain names'), backing('base\0.raw', 'raw')),
  broken(
    'a backing file as JSON',
    beside('refers to "json:{\\"driver\\":\\"file\\"}", which QEMU takes as a protocol'),
    backing('json:{"driver":"file"}', 'raw'),
  ),
  broken('a backing file over NBD', beside('refers to "nbd:unix'), backing('nbd:unix:/run/x', 'raw')),
  broken('a backing file over HTTP', beside('refers to "http://'), backing('http://localhost/x', 'raw')),
  broken('a data file as JSON', beside('refers to "json:{}", which QEMU takes as a protocol'), dataFile('json:{}')),
  broken('a data file in another folder', beside('refers to "../disk.raw", and only plain names'), dataFile('../disk.raw')),
  broken(
    'a backing file without a format',
    { code: 'image/unsupported', message: 'formats are not guessed', references: 'beside' },
    backing('base.img', undefined),
  ),
  broken(
    'a backing file of an unknown format',
    { code: 'image/unsupported', message: 'has the format "host_device"', references: 'beside' },
    backing('base.img', 'host_device'),
  ),
  broken('a backing file that is the image itself', beside('refers to the file "self", which is in its own chain'), backing('self', 'qcow2')),
  broken('an external data file that is the image itself', beside('refers to the file "self", which is in its own chain'), dataFile('self')),
  broken(
    'a compressed cluster beside a data file',
    { message: 'although there is an external data file', references: 'beside' },
    all(
      dataFile('disk.raw'),
      l2(() => COMPRESSED | 20480n),
    ),
  ),
  broken(
    'a cluster elsewhere in a data file',
    { message: 'of the external data file instead of 0', references: 'beside' },
    all(
      dataFile('disk.raw'),
      l2(() => 20480n),
    ),
  ),
];
