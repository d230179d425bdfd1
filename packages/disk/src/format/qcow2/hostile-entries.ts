import { KIB } from '@hypersdk/domain';
import { broken, CLUSTER, COMPRESSED, FIELD, l2, made, sound, type Break, type HostileQcow2, type Sound } from './edit-qcow2.ts';

/** Test only: L1 and L2 entries that lie, for `hostile-qcow2s.ts`. */
export const hostileEntries = (): HostileQcow2[] => [...l1Entries(), ...l2Entries(), ...compressedClusters(), ...extendedEntries()];

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
