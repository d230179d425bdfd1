import { crc32c } from '../../packages/disk/src/format/vhdx/crc32c.ts';
import type { FuzzReader } from '../engine/fuzz-reader.ts';
import { PAGE_SIZE, type PagedFile } from '../engine/paged-file.ts';

const KIB64 = 64 * 1024;
/** MS-VHDX 2.2: the structures of which there are two. */
const HEADERS = [KIB64, 2 * KIB64] as const;
const TABLES = [3 * KIB64, 4 * KIB64] as const;
/** Entries of the log lie at whole sectors, mostly in the first of them. */
const LOG_AT = 1024 * 1024;
const LOG_PAGES_MAX = 64;
const ENTRY_SIZE_MAX = 256 * 1024;

/** Headers, region tables and entries of the log; half of the time what exists twice is damaged alike. */
export const mendVhdx: NonNullable<FuzzReader['mend']> = ({ files }, { before, random }) => {
  const isAlike = random.below(2) === 0;
  files.forEach((file, index) => {
    const old = before.files[index];
    const isChanged = (at: number, size: number): boolean => {
      for (let page = at / PAGE_SIZE; page * PAGE_SIZE < at + size; page += 1) if (file.pages.get(page) !== old?.pages.get(page)) return true;
      return false;
    };
    for (const [at, size] of [...HEADERS.map((place) => [place, PAGE_SIZE] as const), ...TABLES.map((place) => [place, KIB64] as const)]) {
      if (at + size > file.size || !isChanged(at, size)) continue;
      sum(file, at, size);
      const [first, second] = size === PAGE_SIZE ? HEADERS : TABLES;
      if (isAlike && at === first && !isChanged(second, size)) copy(file, { from: first, to: second, size });
      if (isAlike && at === second && !isChanged(first, size)) copy(file, { from: second, to: first, size });
    }
    for (let page = 0; page < LOG_PAGES_MAX; page += 1) {
      const at = LOG_AT + page * PAGE_SIZE;
      if (file.pages.has(at / PAGE_SIZE) && at + PAGE_SIZE <= file.size) sumEntry(file, at, isChanged);
    }
  });
};

function sumEntry(file: PagedFile, at: number, isChanged: (at: number, size: number) => boolean): void {
  const head = Buffer.alloc(12);
  file.read(at, head);
  const length = head.readUInt32LE(8);
  if (head.toString('latin1', 0, 4) !== 'loge' || length < PAGE_SIZE || length > ENTRY_SIZE_MAX || at + length > file.size) return;
  if (isChanged(at, length)) sum(file, at, length);
}

function sum(file: PagedFile, at: number, size: number): void {
  const bytes = Buffer.alloc(size);
  file.read(at, bytes);
  bytes.writeUInt32LE(0, 4);
  bytes.writeUInt32LE(crc32c(bytes), 4);
  file.write(at + 4, bytes.subarray(4, 8));
}

function copy(file: PagedFile, { from, to, size }: { readonly from: number; readonly to: number; readonly size: number }): void {
  const bytes = Buffer.alloc(size);
  file.read(from, bytes);
  file.write(to, bytes);
}
