import { PagedFile } from './paged-file.ts';
import type { Random } from './random.ts';
import type { Sample } from './sample.ts';

const CHANGES_MAX = 4;
const PIECE_MAX = 200;
/** A conversation has a handful of pieces. */
const FILES_MAX = 24;
/** Documents grow by being put into each other; none needs to be longer to be new. */
const SIZE_MAX = 64 * 1024;
const RARE = [
  '0',
  '-1',
  '1',
  '4294967295',
  '9007199254740993',
  '1e999',
  '\0',
  '\r\n',
  '\n',
  '"',
  "'",
  '<',
  '>',
  '&#x0;',
  '%00',
  '../',
  '|00',
  ': ',
  '\u202e',
  '😀',
];

/** A copy of short files that may grow and shrink: documents and conversations break at their joints. `other` is a sample from which pieces are taken. */
export function mutateBytes({ files }: Sample, other: Sample, random: Random): { files: PagedFile[] } {
  const pieces = files.map((file) => ({ name: file.path, bytes: file.toBytes() }));
  const donors = other.files.map((file) => ({ name: file.path, bytes: file.toBytes() }));
  if (pieces.length > 1 && random.below(4) === 0) movePieces(pieces, donors, random);
  const changes = 1 + random.below(CHANGES_MAX);
  for (let change = 0; change < changes; change += 1) {
    const piece = pieces[random.below(pieces.length)];
    const donor = donors[random.below(donors.length)];
    if (piece && donor)
      piece.bytes = random
        .pick([setByte, setByte, setNumber, cut, repeat, insertRare, swapWord, graft])(piece.bytes, random, donor.bytes)
        .subarray(0, SIZE_MAX);
  }
  return { files: pieces.map(({ name, bytes }) => PagedFile.from(bytes, name)) };
}

type Pieces = { readonly name: string; bytes: Buffer }[];

function movePieces(pieces: Pieces, donors: Pieces, random: Random): void {
  const at = random.below(pieces.length);
  const [piece] = pieces.splice(at, 1);
  const chosen = random.pick([piece, piece, donors[random.below(donors.length)]]);
  for (let copies = random.below(3); copies > 0 && chosen && pieces.length < FILES_MAX; copies -= 1) {
    pieces.splice(random.below(pieces.length + 1), 0, { ...chosen });
  }
}

type Change = (bytes: Buffer, random: Random, donor: Buffer) => Buffer;

const setByte: Change = (bytes, random) => {
  const copy = Buffer.from(bytes);
  if (copy.length > 0)
    copy[random.below(copy.length)] = random.below(2) === 0 ? random.below(256) : random.pick([0, 1, 0x7f, 0x80, 0xff, 0x20, 0x0a]);
  return copy;
};

const setNumber: Change = (bytes, random) => {
  const copy = Buffer.from(bytes);
  const width = random.pick([2, 4, 8]);
  if (copy.length < width) return copy;
  const within = random.below(copy.length - width + 1);
  const at = random.below(2) === 0 ? within : within - (within % width);
  const value = random.pick([
    0n,
    1n,
    2n,
    0xffn,
    0x7fffn,
    0xffffn,
    0x7fff_ffffn,
    0xffff_ffffn,
    1n << 53n,
    (1n << 64n) - 1n,
    BigInt(copy.length),
    BigInt(random.below(1024)),
  ]);
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(value);
  number.copy(copy, at, 8 - width);
  return copy;
};

const cut: Change = (bytes, random) => {
  const from = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + random.below(PIECE_MAX))]);
};

const repeat: Change = (bytes, random) => {
  const from = random.below(bytes.length + 1);
  const piece = bytes.subarray(from, from + random.below(PIECE_MAX));
  return insert(bytes, random, random.below(16) === 0 ? Buffer.concat(Array.from({ length: random.below(64) }, () => piece)) : piece);
};

const insertRare: Change = (bytes, random) => insert(bytes, random, Buffer.from(RARE[random.below(RARE.length)] ?? ''));

const graft: Change = (bytes, random, donor) => {
  const from = random.below(donor.length + 1);
  return insert(bytes, random, donor.subarray(from, from + random.below(PIECE_MAX)));
};

/** One word in the place of another: values of one field under the name of the next. */
const swapWord: Change = (bytes, random, donor) => {
  const [target, source] = [wordOf(bytes, random), wordOf(donor, random)];
  if (!target || !source) return bytes;
  return Buffer.concat([bytes.subarray(0, target.from), donor.subarray(source.from, source.to), bytes.subarray(target.to)]);
};

function wordOf(bytes: Buffer, random: Random): { readonly from: number; readonly to: number } | undefined {
  if (bytes.length === 0) return undefined;
  const isWord = (at: number): boolean => /[\w.-]/.test(String.fromCharCode(bytes[at] ?? 0));
  let from = random.below(bytes.length);
  while (from < bytes.length && !isWord(from)) from += 1;
  while (from > 0 && isWord(from - 1)) from -= 1;
  let to = from;
  while (to < bytes.length && isWord(to)) to += 1;
  return { from, to };
}

function insert(bytes: Buffer, random: Random, piece: Uint8Array): Buffer {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
}
