import { coalesce, endOf, type Extent } from '@hypersdk/domain';
import fc from 'fast-check';
import { seededRandom } from '../fake/seeded-random.ts';

/** A run of bytes on a sparse disk: noise from the seed, one byte repeated, or zeros that are written down. */
export interface DiskPiece {
  readonly offset: number;
  readonly length: number;
  readonly fill: { readonly kind: 'noise'; readonly seed: number } | { readonly kind: 'byte'; readonly byte: number } | { readonly kind: 'zeros' };
}

/** The content of a disk as a short list, however large the disk is. Later pieces lie over earlier ones; the rest was never written. */
export interface SparseDisk {
  readonly virtualSize: number;
  readonly pieces: readonly DiskPiece[];
}

const SECTOR = 512;
/** Borders of sectors, pages, clusters, grains and leaves, where off-by-one errors live. */
const BORDERS = [SECTOR, 4096, 65_536, 1024 * 1024, 4 * 1024 * 1024];

/** Disks of whole sectors up to `sizeMax`, with islands of content at the ends, at borders and anywhere. */
export function sparseDisk(options: { readonly sizeMax: number; readonly piecesMax?: number; readonly pieceMax?: number }): fc.Arbitrary<SparseDisk> {
  const { sizeMax, piecesMax = 8, pieceMax = 256 * 1024 } = options;
  const sectors = Math.floor(sizeMax / SECTOR);
  const size = fc.oneof(fc.integer({ min: 1, max: sectors }), fc.constant(sectors), fc.constant(1)).map((count) => count * SECTOR);
  return size.chain((virtualSize) => fc.array(pieceOn(virtualSize, pieceMax), { maxLength: piecesMax }).map((pieces) => ({ virtualSize, pieces })));
}

function pieceOn(virtualSize: number, pieceMax: number): fc.Arbitrary<DiskPiece> {
  const atBorder = fc
    .tuple(fc.constantFrom(...BORDERS), fc.nat({ max: 64 }), fc.integer({ min: -1, max: 1 }))
    .map(([border, count, off]) => border * count + off);
  const atEnd = fc.integer({ min: 1, max: 2 * SECTOR }).map((left) => virtualSize - left);
  const offset = fc.oneof(fc.constant(0), atBorder, atEnd, fc.nat({ max: virtualSize - 1 })).map((at) => Math.min(Math.max(at, 0), virtualSize - 1));
  const length = fc.oneof(fc.constantFrom(1, SECTOR, 4096, 65_536), fc.integer({ min: 1, max: pieceMax }));
  const fill: fc.Arbitrary<DiskPiece['fill']> = fc.oneof(
    fc.integer({ min: 1, max: 0x7fffffff }).map((seed) => ({ kind: 'noise', seed }) as const),
    fc.integer({ min: 1, max: 255 }).map((byte) => ({ kind: 'byte', byte }) as const),
    fc.constant({ kind: 'zeros' } as const),
  );
  return fc.record({ offset, length, fill }).map((piece) => ({ ...piece, length: Math.min(piece.length, virtualSize - piece.offset) }));
}

/** The bytes of a range of the disk (default: all of them). */
export function materialise(
  disk: SparseDisk,
  range: { readonly offset: number; readonly length: number } = { offset: 0, length: disk.virtualSize },
): Uint8Array {
  const content = new Uint8Array(range.length);
  for (const piece of disk.pieces) {
    const from = Math.max(piece.offset, range.offset);
    const to = Math.min(endOf(piece), endOf(range));
    if (from < to) content.set(bytesOf(piece).subarray(from - piece.offset, to - piece.offset), from - range.offset);
  }
  return content;
}

/** Where the disk was written: `data` for every piece, `hole` between them. */
export function extentsOf({ virtualSize, pieces }: SparseDisk): readonly Extent[] {
  const extents: Extent[] = [];
  let at = 0;
  for (const piece of pieces.toSorted((a, b) => a.offset - b.offset)) {
    if (piece.offset > at) extents.push({ offset: at, length: piece.offset - at, kind: 'hole' });
    const from = Math.max(at, piece.offset);
    if (endOf(piece) > from) extents.push({ offset: from, length: endOf(piece) - from, kind: 'data' });
    at = Math.max(at, endOf(piece));
  }
  if (at < virtualSize) extents.push({ offset: at, length: virtualSize - at, kind: 'hole' });
  return [...coalesce(extents)];
}

function bytesOf({ length, fill }: DiskPiece): Uint8Array {
  if (fill.kind === 'zeros') return new Uint8Array(length);
  if (fill.kind === 'byte') return new Uint8Array(length).fill(fill.byte);
  const random = seededRandom(fill.seed);
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}
