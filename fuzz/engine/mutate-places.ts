import type { PagedFile } from './paged-file.ts';
import type { Random } from './random.ts';
import { copySample, type Sample } from './sample.ts';

/** A range that the reader looked at. */
export interface Place {
  /** Which of the files. */
  readonly file: number;
  readonly offset: number;
  readonly length: number;
}

/** Values at which size and offset arithmetic goes wrong. */
const EDGES: readonly [bigint, ...bigint[]] = [
  0n,
  1n,
  2n,
  7n,
  8n,
  0x7fn,
  0xffn,
  511n,
  512n,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 53n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
];
const WIDTHS: readonly [number, ...number[]] = [1, 2, 4, 4, 8, 8];
const CHANGES_MAX = 4;
const PIECES: readonly [number, ...number[]] = [4, 8, 16, 24, 32, 64, 512];
/** Ranges longer than this are content more often than tables. */
const TABLE_MAX = 8192;
const SECTOR = 512n;

/** A copy with a few fields changed among those that the reader looked at: damage elsewhere would never be seen. */
export function mutatePlaces(sample: Sample, places: readonly Place[], random: Random): { files: PagedFile[] } {
  const copy = copySample(sample);
  const changes = random.below(2) === 0 ? 1 : 1 + random.below(CHANGES_MAX);
  for (let change = 0; change < changes; change += 1) {
    const place = pickPlace(places, random);
    const file = place && copy.files[place.file];
    if (!file || file.size === 0) resizeFile(copy.files[random.below(copy.files.length)], random);
    else random.pick([setField, setField, setField, nudgeField, nudgeField, flipBit, copyPiece])(file, place, { random, places });
    if (random.below(64) === 0) resizeFile(file, random);
  }
  return copy;
}

interface Chance {
  readonly random: Random;
  readonly places: readonly Place[];
}

function pickPlace(places: readonly Place[], random: Random): Place | undefined {
  const place = places[random.below(places.length)];
  return place && place.length > TABLE_MAX && random.below(8) > 0 ? places[random.below(places.length)] : place;
}

/** A field of a range; where something is written, mostly, as fields that count are seldom zero. */
function fieldAt(file: PagedFile, place: Place, o: { readonly random: Random; readonly width: number }): number {
  const { random, width } = o;
  const room = Math.max(1, Math.min(place.length, file.size - place.offset) - width + 1);
  let at = place.offset;
  for (let attempt = 0; attempt < 6; attempt += 1) {
    const within = random.below(room);
    at = place.offset + (random.below(8) === 0 ? within : within - (within % width));
    if (readNumber(file, at, { width, isLittle: true }) !== 0n) break;
  }
  return Math.max(0, Math.min(at, file.size - width));
}

function setField(file: PagedFile, place: Place, { random }: Chance): void {
  const width = random.pick(WIDTHS);
  if (file.size < width) return;
  const at = fieldAt(file, place, { random, width });
  const size = BigInt(file.size);
  const value = random.pick([
    () => random.pick(EDGES),
    () => random.pick(EDGES),
    () => BigInt(random.below(256)),
    () => random.pick([size, size / SECTOR, size - 1n, size + 1n, size / 2n]),
  ])();
  writeNumber(file, at, { width, isLittle: random.below(2) === 0, value });
}

function nudgeField(file: PagedFile, place: Place, { random }: Chance): void {
  const width = random.pick(WIDTHS);
  if (file.size < width) return;
  const at = fieldAt(file, place, { random, width });
  const isLittle = random.below(2) === 0;
  const before = readNumber(file, at, { width, isLittle });
  const value = random.pick([before + 1n, before - 1n, before * 2n, before / 2n, -before, before ^ (1n << BigInt(random.below(8 * width)))]);
  writeNumber(file, at, { width, isLittle, value });
}

function flipBit(file: PagedFile, place: Place, { random }: Chance): void {
  const at = fieldAt(file, place, { random, width: 1 });
  const before = readNumber(file, at, { width: 1, isLittle: true });
  writeNumber(file, at, { width: 1, isLittle: true, value: before ^ (1n << BigInt(random.below(8))) });
}

/** An entry of one table in the place of another. */
function copyPiece(file: PagedFile, place: Place, { random, places }: Chance): void {
  const from = pickPlace(places, random);
  const length = random.pick(PIECES);
  if (!from || from.file !== place.file || file.size < length) return;
  const source = fieldAt(file, from, { random, width: Math.min(length, 8) });
  const target = fieldAt(file, place, { random, width: Math.min(length, 8) });
  const piece = new Uint8Array(Math.max(0, Math.min(length, file.size - Math.max(source, target))));
  file.read(source, piece);
  file.write(target, piece);
}

function resizeFile(file: PagedFile | undefined, random: Random): void {
  if (!file) return;
  const size = file.size;
  file.resize(
    random.pick(
      [random.below(size + 1), size - 1, size + 1, size - 512, size + 512, size * 2, Math.ceil(size / 512) * 512].map((to) => Math.max(0, to)) as [
        number,
      ],
    ),
  );
}

interface Field {
  readonly width: number;
  readonly isLittle: boolean;
}

function readNumber(file: PagedFile, at: number, { width, isLittle }: Field): bigint {
  const bytes = Buffer.alloc(8);
  const room = Math.min(width, file.size - at);
  if (room <= 0) return 0n;
  if (isLittle) {
    file.read(at, bytes.subarray(0, room));
    return bytes.readBigUInt64LE();
  }
  file.read(at, bytes.subarray(8 - room));
  return bytes.readBigUInt64BE();
}

function writeNumber(file: PagedFile, at: number, { width, isLittle, value }: Field & { readonly value: bigint }): void {
  const bytes = Buffer.alloc(8);
  const wrapped = BigInt.asUintN(64, value);
  if (isLittle) bytes.writeBigUInt64LE(wrapped);
  else bytes.writeBigUInt64BE(wrapped);
  file.write(at, isLittle ? bytes.subarray(0, width) : bytes.subarray(8 - width));
}
