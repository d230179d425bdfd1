import { statSync } from 'node:fs';
import { roundUp, type ByteRange } from '@hypersdk/domain';
import type { ArchiveContent, ArchiveRequest } from '@hypersdk/ports';
import { toSourceError } from '../file/io-error.ts';
import { BLOCK_SIZE, encodeTarHeader } from './tar-header.ts';

export interface PlacedMember {
  readonly name: string;
  readonly content: ArchiveContent;
  readonly header: Uint8Array;
  /** Where the content lies in the archive; the header is the block before. */
  readonly range: ByteRange;
  /** Where the content is read from; undefined for a text. */
  readonly from?: { readonly path: string; readonly offset: number };
}

export interface ArchiveLayout {
  readonly members: readonly PlacedMember[];
  /** Of the whole archive, in bytes. */
  readonly size: number;
}

/** Two blocks of zeros mark the end. */
export const END_SIZE = 2 * BLOCK_SIZE;

/** Everything has its place before the first byte is written, so that a killed run can go on where it was. */
export function layOut({ members, modifiedAt }: ArchiveRequest): ArchiveLayout {
  let offset = 0;
  const placed = members.map(({ name, content }) => {
    const part = content.kind === 'text' ? { length: Buffer.byteLength(content.text) } : partOf(content);
    const range = { offset: offset + BLOCK_SIZE, length: part.length };
    offset = range.offset + roundUp(range.length, BLOCK_SIZE);
    const header = encodeTarHeader({ name, size: range.length, modifiedAt: modifiedAt / 1000 });
    return { name, content, header, range, ...('from' in part ? { from: part.from } : {}) };
  });
  return { members: placed, size: offset + END_SIZE };
}

function partOf(content: ArchiveContent & { readonly kind: 'file' }): { readonly length: number; readonly from: NonNullable<PlacedMember['from']> } {
  const { path, slice } = content;
  if (slice) return { length: slice.length, from: { path, offset: slice.offset } };
  try {
    return { length: statSync(path).size, from: { path, offset: 0 } };
  } catch (cause) {
    throw toSourceError(cause, path, 'looking for what is to be packed');
  }
}
