import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { PagedFile, PAGE_SIZE } from './paged-file.ts';

/** What one execution reads: files by name, the first of which is opened; or the pieces of a conversation, in their order. */
export interface Sample {
  readonly files: readonly PagedFile[];
}

export const sampleOf = (files: Readonly<Record<string, Uint8Array>>): Sample => ({
  files: Object.entries(files).map(([name, bytes]) => PagedFile.from(bytes, name)),
});

export const copySample = ({ files }: Sample): { files: PagedFile[] } => ({ files: files.map((file) => file.copy()) });

export const fileNamed = ({ files }: Sample, name: string): PagedFile | undefined => files.find(({ path }) => path === name);

/** A sample as it lies in the corpus: of each file its name, its size and the pages that are not zeros. */
export function encodeSample({ files }: Sample): Buffer {
  const parts: Uint8Array[] = [];
  for (const file of files) {
    const name = Buffer.from(file.path);
    const head = Buffer.alloc(16);
    const pages = [...file.pages].filter(([, page]) => page.some((byte) => byte !== 0)).toSorted(([a], [b]) => a - b);
    head.writeUInt32LE(name.length, 0);
    head.writeDoubleLE(file.size, 4);
    head.writeUInt32LE(pages.length, 12);
    parts.push(head, name);
    for (const [index, page] of pages) {
      const place = Buffer.alloc(4);
      place.writeUInt32LE(index);
      parts.push(place, page, new Uint8Array(PAGE_SIZE - page.length));
    }
  }
  return deflateRawSync(Buffer.concat(parts), { level: 9 });
}

export function decodeSample(bytes: Uint8Array): Sample {
  const all = inflateRawSync(bytes);
  const files: PagedFile[] = [];
  for (let at = 0; at < all.length;) {
    const nameLength = all.readUInt32LE(at);
    const size = all.readDoubleLE(at + 4);
    const pageCount = all.readUInt32LE(at + 12);
    at += 16;
    const name = all.toString('utf8', at, at + nameLength);
    at += nameLength;
    const pages = new Map<number, Uint8Array>();
    for (let count = 0; count < pageCount; count += 1) {
      pages.set(all.readUInt32LE(at), Uint8Array.from(all.subarray(at + 4, at + 4 + PAGE_SIZE)));
      at += 4 + PAGE_SIZE;
    }
    files.push(PagedFile.sparse(name, size, pages));
  }
  return { files };
}
