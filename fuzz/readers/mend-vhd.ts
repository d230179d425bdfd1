import type { FuzzReader } from '../engine/fuzz-reader.ts';
import type { PagedFile } from '../engine/paged-file.ts';

const FOOTER_SIZE = 512;
const HEADER_SIZE = 1024;

/** Virtual Hard Disk Image Format Specification 1.0: both footers and the dynamic header, one's complement of the sum of their other bytes. */
export const mendVhd: NonNullable<FuzzReader['mend']> = ({ files }, { random }) => {
  for (const file of files) {
    if (file.size < FOOTER_SIZE) continue;
    const end = file.size - FOOTER_SIZE;
    // Two footers that differ are refused; often enough they are damaged alike.
    const copiesFront = random.below(2) === 0;
    if (copiesFront && textAt(file, 0) === 'conectix') file.write(end, bytesAt(file, 0, FOOTER_SIZE));
    else if (random.below(2) === 0 && textAt(file, 0) === 'conectix' && textAt(file, end) === 'conectix')
      file.write(0, bytesAt(file, end, FOOTER_SIZE));
    mendPart(file, { at: 0, size: FOOTER_SIZE, sumAt: 64 });
    mendPart(file, { at: end, size: FOOTER_SIZE, sumAt: 64 });
    const headerAt = Number(bytesAt(file, 16, 8).readBigUInt64BE());
    mendPart(file, { at: headerAt, size: HEADER_SIZE, sumAt: 36 });
    if (headerAt !== FOOTER_SIZE) mendPart(file, { at: FOOTER_SIZE, size: HEADER_SIZE, sumAt: 36 });
  }
};

function bytesAt(file: PagedFile, at: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  file.read(at, bytes);
  return bytes;
}

const textAt = (file: PagedFile, at: number): string => bytesAt(file, at, 8).toString('latin1');

function mendPart(file: PagedFile, { at, size, sumAt }: { readonly at: number; readonly size: number; readonly sumAt: number }): void {
  if (at + size > file.size || !/^(?:conectix|cxsparse)/.test(textAt(file, at))) return;
  const part = bytesAt(file, at, size);
  part.writeUInt32BE(0, sumAt);
  let sum = 0;
  for (const byte of part) sum += byte;
  part.writeUInt32BE(0xffff_ffff - sum, sumAt);
  file.write(at + sumAt, part.subarray(sumAt, sumAt + 4));
}
