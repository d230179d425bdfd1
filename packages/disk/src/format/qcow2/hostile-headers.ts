import { all, BIT, broken, CLUSTER, EXTENSION, extension, FIELD, FIELD_V3, u32, u64, type Break, type HostileQcow2 } from './edit-qcow2.ts';

/** Test only: headers that lie, for `hostile-qcow2s.ts`. */
export const hostileHeaders = (): HostileQcow2[] => [...headers(), ...features(), ...extensions(), ...tables()];

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
