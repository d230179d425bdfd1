import { createHmac, hkdfSync } from 'node:crypto';
import { AgeFile } from '../../packages/disk/src/age/age-file.ts';
import { newKeyPair } from '../../packages/disk/src/age/build-age.ts';
import { findFileKey } from '../../packages/disk/src/age/file-key.ts';
import { CHUNK_SIZE, payloadKey, sealChunk, TAG_SIZE } from '../../packages/disk/src/age/payload.ts';
import type { FuzzReader } from '../engine/fuzz-reader.ts';
import { sampleOf } from '../engine/sample.ts';

const FILE_KEY = new Uint8Array(16).fill(7);
const SALT = new Uint8Array(16).fill(9);
const CONTENT_LENGTHS = [0, 1000, CHUNK_SIZE, CHUNK_SIZE + 1000];
const BASE64 = 'AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKI';
const HEADERS = [
  `age-encryption.org/v1\n-> X25519 ${BASE64}\n${BASE64}\n`,
  `age-encryption.org/v1\n-> ssh-ed25519 grease ${BASE64}\n${BASE64}\n-> X25519 ${BASE64}\n${BASE64}\n`,
  `age-encryption.org/v1\n-> scrypt AAAABBBBCCCCDDDDEEEEFA 10\n${BASE64}\n`,
];
/** No header is for it: trying to open one is what is fuzzed. */
const { identity } = await newKeyPair();
const INTO = new Uint8Array(2 * CHUNK_SIZE);

/** The code of a header under our key, as whoever knows the key could write it for any header. */
function codeOf(header: Uint8Array): string {
  const key = Buffer.from(hkdfSync('sha256', FILE_KEY, new Uint8Array(0), 'header', 32));
  return createHmac('sha256', key).update(header).update('---').digest('base64').replaceAll('=', '');
}

const seal = (header: string): Buffer => Buffer.from(`${header}--- ${codeOf(Buffer.from(header))}\n`, 'latin1');

function encrypted(header: string, length: number): Uint8Array {
  const key = payloadKey(FILE_KEY, SALT);
  const chunks: Uint8Array[] = [];
  const count = Math.max(1, Math.ceil(length / CHUNK_SIZE));
  for (let index = 0; index < count; index += 1) {
    const bytes = new Uint8Array(Math.min(CHUNK_SIZE, length - index * CHUNK_SIZE)).fill(index + 1);
    const place = new Uint8Array(bytes.length + TAG_SIZE);
    sealChunk(key, { index, isLast: index === count - 1, bytes }, place);
    chunks.push(place);
  }
  return Buffer.concat([seal(header), SALT, ...chunks]);
}

/** A file in the age format whose key is known: its header, where it ends, and chunks that are cut, moved or changed. */
export const ageFileReader: FuzzReader = {
  changes: 'places',
  seeds: () => HEADERS.flatMap((header) => CONTENT_LENGTHS.map((length) => sampleOf({ 'disk.age': encrypted(header, length) }))),
  mend: ({ files: [file] }) => {
    const head = Buffer.alloc(Math.min(file?.size ?? 0, 4096));
    file?.read(0, head);
    const mark = head.indexOf('\n--- ');
    if (mark > 0 && mark + 50 < head.length) file?.write(mark + 5, Buffer.from(codeOf(head.subarray(0, mark + 1))));
  },
  execute: ({ files: [sealed] }) => {
    if (!sealed) return;
    using file = AgeFile.open(sealed, FILE_KEY);
    if (!(file.size >= 0 && file.size < sealed.size)) throw new Error(`${sealed.size} bytes hold ${file.size}.`);
    for (const offset of [0, Math.max(0, file.size - 100), Math.floor(file.size / 2)]) {
      file.read(offset, INTO.subarray(0, Math.min(INTO.length, file.size - offset)));
    }
  },
};

/** The header before anybody knows the key: what names its recipients is for the library of age's author. */
export const ageHeaderReader: FuzzReader = {
  changes: 'bytes',
  seeds: () => HEADERS.map((header) => sampleOf({ 'disk.age': seal(header) })),
  execute: async ({ files: [file] }) => {
    if (file) await findFileKey(file, { identities: [identity] });
  },
};
