import { crc32 } from 'node:zlib';
import { crc32c } from '../../packages/disk/src/format/vhdx/crc32c.ts';
import type { FuzzReader } from '../engine/fuzz-reader.ts';
import { PAGE_SIZE, type PagedFile } from '../engine/paged-file.ts';

const SECTOR = 512;
/** Entries of a partition table, or metadata of a volume group, that are summed. */
const SUMMED_MAX = 64 * 1024;
/** LVM's CRC-32 begins from this instead of from all ones. */
const LVM_START = 0xf597_a6cf;

/** Partition tables, superblocks and LVM metadata, wherever their magic numbers stand in what was changed. */
export const mendGuest: NonNullable<FuzzReader['mend']> = ({ files: [file] }, { before }) => {
  const old = before.files[0];
  if (!file) return;
  const changed = [...file.pages].filter(([index, page]) => old?.pages.get(index) !== page).map(([index]) => index * PAGE_SIZE);
  if (changed.length === 0) return;
  // The sums of entries and texts stand in other pages than these do, so all heads are looked at.
  for (const at of [...file.pages.keys()].map((index) => index * PAGE_SIZE)) {
    if (at + PAGE_SIZE > file.size) continue;
    for (let sector = at; sector < at + PAGE_SIZE; sector += SECTOR) {
      const head = bytesAt(file, sector, 16);
      const text = head.toString('latin1');
      if (text.startsWith('EFI PART')) mendGpt(file, sector);
      else if (text.startsWith('XFSB')) mendXfs(file, sector);
      else if (text.startsWith('LABELONE')) mendLvmLabel(file, sector);
      else if (text.startsWith(' LVM2 x', 4)) mendLvmArea(file, sector);
    }
    if (bytesAt(file, at + 64, 8).toString('latin1') === '_BHRfS_M') write32(file, at, crc32c(bytesAt(file, at + 32, PAGE_SIZE - 32)));
    if (bytesAt(file, at + 1024 + 56, 2).readUInt16LE() === 0xef53) write32(file, at + 2044, ~crc32c(bytesAt(file, at + 1024, 1020)));
  }
};

/** UEFI Specification, "GPT Header": first the entries, whose sum is in the header, then the header. */
function mendGpt(file: PagedFile, at: number): void {
  const header = bytesAt(file, at, SECTOR);
  const size = header.readUInt32LE(12);
  const entriesAt = Number(header.readBigUInt64LE(72)) * SECTOR;
  const entriesSize = header.readUInt32LE(80) * header.readUInt32LE(84);
  if (entriesSize <= SUMMED_MAX && entriesAt + entriesSize <= file.size) header.writeUInt32LE(crc32(bytesAt(file, entriesAt, entriesSize)), 88);
  if (size > SECTOR) return;
  header.writeUInt32LE(0, 16);
  header.writeUInt32LE(crc32(header.subarray(0, size)), 16);
  file.write(at, header);
}

function mendXfs(file: PagedFile, at: number): void {
  const size = bytesAt(file, at + 102, 2).readUInt16BE();
  if (size < SECTOR || at + size > file.size) return;
  const bytes = bytesAt(file, at, size);
  bytes.writeUInt32LE(0, 224);
  write32(file, at + 224, crc32c(bytes));
}

const lvmSum = (bytes: Uint8Array): number => ~crc32(bytes, ~LVM_START >>> 0);

const mendLvmLabel = (file: PagedFile, at: number): void => write32(file, at + 16, lvmSum(bytesAt(file, at + 20, SECTOR - 20)));

function mendLvmArea(file: PagedFile, at: number): void {
  const head = bytesAt(file, at, SECTOR);
  const textAt = at + Number(head.readBigUInt64LE(40));
  const textSize = Number(head.readBigUInt64LE(48));
  if (textSize <= SUMMED_MAX && textAt + textSize <= file.size) write32(file, at + 56, lvmSum(bytesAt(file, textAt, textSize)));
  write32(file, at, lvmSum(bytesAt(file, at + 4, SECTOR - 4)));
}

function bytesAt(file: PagedFile, at: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  if (at + size <= file.size) file.read(at, bytes);
  return bytes;
}

function write32(file: PagedFile, at: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  const before = bytesAt(file, at, 4);
  if (!before.equals(bytes) && at + 4 <= file.size) file.write(at, bytes);
}
