// Virtual Disk Format 1.1, "Hosted Sparse Extent Header", written here once more so that the reader's own constants prove nothing about themselves.
import { KIB } from '@hypersdk/domain';

const DIRECTORY_SECTOR = 64;
const TABLE_SECTOR = 256 + 8;
const GRAIN_SECTOR = 512;

/** A small sparse VMDK that says what it is told to say: capacity and descriptor in sectors. */
export function claimVmdk(claim: { readonly capacity?: number; readonly descriptorSectors?: number; readonly shareOneTable?: true }): Buffer {
  const { capacity = 2048, descriptorSectors = 20, shareOneTable } = claim;
  const bytes = Buffer.alloc(512 * KIB);
  bytes.write('KDMV', 0, 'latin1');
  bytes.writeUInt32LE(1, 4);
  bytes.writeUInt32LE(1, 8);
  bytes.writeBigUInt64LE(BigInt(capacity), 12);
  bytes.writeBigUInt64LE(128n, 20);
  bytes.writeBigUInt64LE(1n, 28);
  bytes.writeBigUInt64LE(BigInt(descriptorSectors), 36);
  bytes.writeUInt32LE(512, 44);
  bytes.writeBigUInt64LE(BigInt(DIRECTORY_SECTOR), 56);
  bytes.writeBigUInt64LE(BigInt(GRAIN_SECTOR), 64);
  bytes.write('\n \r\n', 73, 'latin1');
  const text = [
    '# Disk DescriptorFile',
    'version=1',
    'CID=1',
    'parentCID=ffffffff',
    'createType="monolithicSparse"',
    `RW ${capacity} SPARSE "disk.vmdk"`,
    '',
  ];
  bytes.write(text.join('\n'), 512, 'latin1');
  if (!shareOneTable) return bytes;
  const entries = Math.ceil(capacity / (128 * 512));
  for (let entry = 0; entry < Math.min(entries, (TABLE_SECTOR - DIRECTORY_SECTOR) * 128); entry += 1)
    bytes.writeUInt32LE(TABLE_SECTOR, DIRECTORY_SECTOR * 512 + entry * 4);
  for (let entry = 0; entry < 512; entry += 1) bytes.writeUInt32LE(GRAIN_SECTOR, TABLE_SECTOR * 512 + entry * 4);
  bytes.fill(0xa5, GRAIN_SECTOR * 512);
  return bytes;
}
