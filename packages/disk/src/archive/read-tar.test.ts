import fc from 'fast-check';
import { GIB, HyperError, MIB } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../file/memory-file.ts';
import { buildTar, END_OF_TAR, paxHeader, paxRecord, sealHeader, tarPart, type TarPart } from './build-tar.ts';
import { readTar, type TarMember } from './read-tar.ts';
import { encodeTarHeader } from './tar-header.ts';

const read = (bytes: Uint8Array): readonly TarMember[] => readTar(new MemoryFile(bytes, 'x.ova'));
const textOf = (bytes: Buffer, { offset, length }: TarMember): string => bytes.subarray(offset, offset + length).toString();

describe('an archive that is read', () => {
  test('members come in their order, each with the place of its bytes', () => {
    const bytes = buildTar(
      { name: 'vm.ovf', content: '<Envelope/>' },
      { name: 'vm.mf', content: '' },
      { name: 'disk.vmdk', content: 'x'.repeat(513) },
    );
    const members = read(bytes);
    expect(members).toEqual([
      { name: 'vm.ovf', offset: 512, length: 11 },
      { name: 'vm.mf', offset: 1536, length: 0 },
      { name: 'disk.vmdk', offset: 2048, length: 513 },
    ]);
    expect(members.map((member) => textOf(bytes, member).length)).toEqual([11, 0, 513]);
  });

  const tolerated: readonly (readonly [what: string, bytes: () => Buffer, names: readonly string[]])[] = [
    ['an empty archive', () => END_OF_TAR, []],
    ['the folder itself, listed first', () => buildTar({ name: './', type: '5' }, { name: './a', content: '1' }), ['a']],
    [
      'a long name as GNU tar writes it',
      () => buildTar({ name: '././@LongLink', type: 'L', content: `${'n'.repeat(200)}\0` }, { name: 'n' }),
      ['n'.repeat(200)],
    ],
    ['a long name as pax writes it', () => buildTar(paxHeader(paxRecord('path', 'ü'.repeat(90))), { name: 'u' }), ['ü'.repeat(90)]],
    [
      'records that only describe',
      () => buildTar(paxHeader(paxRecord('mtime', '1.5'), paxRecord('SCHILY.xattr.user.x', '\0ÿ')), { name: 'a' }),
      ['a'],
    ],
    ['a comment for all files', () => buildTar({ name: 'pax', type: 'g', content: paxRecord('comment', 'made by hand') }, { name: 'a' }), ['a']],
    ['the type of the oldest programs', () => buildTar({ name: 'a', type: '\0' }), ['a']],
    ['the magic of GNU tar', () => buildTar({ name: 'a', edit: (header) => void header.write('ustar  \0', 257, 'latin1') }), ['a']],
    [
      'numbers with blanks around',
      () => buildTar({ name: 'a', content: 'ab', edit: (header) => void header.write('         2 \0', 124, 'latin1') }),
      ['a'],
    ],
    ['one block of zeros at the end', () => Buffer.concat([tarPart({ name: 'a' }), Buffer.alloc(512)]), ['a']],
    ['a record filled with zeros', () => Buffer.concat([buildTar({ name: 'a' }), Buffer.alloc(20 * 512)]), ['a']],
  ];
  test.each(tolerated)('%s', (_, bytes, names) => {
    expect(read(bytes()).map(({ name }) => name)).toEqual(names);
  });

  test('a size in an extended header wins over the header, as there it has no limit', () => {
    const bytes = buildTar(paxHeader(paxRecord('size', '3')), { name: 'a', content: 'abc', size: 0 });
    expect(read(bytes)).toEqual([{ name: 'a', offset: 1536, length: 3 }]);
  });

  test('sizes above 8 GiB are read as they are written', () => {
    const header = encodeTarHeader({ name: 'a', size: 9 * GIB + 7, modifiedAt: 0 });
    const file = new SparseFile(Buffer.concat([header]), 9 * GIB + 4096 + 1024);
    expect(readTar(file)).toEqual([{ name: 'a', offset: 512, length: 9 * GIB + 7 }]);
  });
});

/** The bytes at the start and zeros behind them. */
class SparseFile extends MemoryFile {
  readonly #size: number;
  readonly #head: Buffer;

  constructor(head: Buffer, size: number) {
    super(head);
    this.#head = head;
    this.#size = size;
  }

  override get size(): number {
    return this.#size;
  }

  override read(offset: number, into: Uint8Array): void {
    into.fill(0);
    into.set(this.#head.subarray(offset, offset + into.length));
  }
}

const named =
  (name: string): (() => Buffer) =>
  () =>
    buildTar({ name });
const typed =
  (type: string): (() => Buffer) =>
  () =>
    buildTar({ name: 'a', type });
const edited =
  (edit: NonNullable<TarPart['edit']>): (() => Buffer) =>
  () =>
    buildTar({ name: 'a', content: 'x'.repeat(600), edit });

const HOSTILE: readonly (readonly [what: string, code: string, bytes: () => Buffer])[] = [
  ['an empty file', 'archive/cut-short', () => Buffer.alloc(0)],
  ['less than a block', 'archive/cut-short', () => Buffer.alloc(511, 'x')],
  ['no tar at all', 'archive/not-tar', () => Buffer.alloc(4096, 'x')],
  ['a zip', 'archive/not-tar', () => Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(1020)])],
  ['a header of before 1988', 'archive/not-tar', edited((header) => void header.fill(0, 257, 265))],
  ['a wrong checksum', 'archive/wrong-checksum', () => flip(buildTar({ name: 'a' }), 3)],
  ['a checksum that is no number', 'archive/malformed-number', () => overwrite(buildTar({ name: 'a' }), 148, 'zzzzzz\0 ')],
  ['no mark of the end', 'archive/cut-short', () => tarPart({ name: 'a', content: 'abc' })],
  ['an end in a member', 'archive/cut-short', () => buildTar({ name: 'a', content: 'x'.repeat(4096) }).subarray(0, 2048)],
  ['a size past the end', 'archive/cut-short', () => buildTar({ name: 'a', size: 1_000_000 })],
  ['a size that wraps around 2^32', 'archive/cut-short', () => buildTar({ name: 'a', size: 2 ** 32 })],
  ['a size beyond all disks', 'archive/malformed-number', edited((header) => void header.fill(0xff, 125, 136).writeUInt8(0x80, 124))],
  ['a negative size', 'archive/malformed-number', edited((header) => void header.fill(0xff, 124, 136))],
  ['a size of letters', 'archive/malformed-number', edited((header) => void header.write('0000000000g\0', 124, 'latin1'))],
  ['a size with a sign', 'archive/malformed-number', edited((header) => void header.write('-0000000001\0', 124, 'latin1'))],
  ['an empty size', 'archive/malformed-number', edited((header) => void header.fill(0, 124, 136))],
  ['a name that leads out', 'archive/unsafe-name', named('../../etc/passwd')],
  ['a name that is the folder above', 'archive/unsafe-name', named('..')],
  ['a name that is the folder', 'archive/unsafe-name', named('.')],
  ['no name', 'archive/unsafe-name', named('')],
  ['an absolute name', 'archive/unsafe-name', named('/etc/passwd')],
  ['a folder in a name', 'archive/unsafe-name', named('a/b.vmdk')],
  ['the other slash', 'archive/unsafe-name', named('..\\x.vmdk')],
  ['a drive', 'archive/unsafe-name', named('C:\\x')],
  ['a line feed in a name', 'archive/unsafe-name', named('a\nb')],
  ['an escape sequence in a name', 'archive/unsafe-name', named('\u001B]0;x\u0007')],
  ['a name that is not UTF-8', 'archive/unsafe-name', edited((header) => void header.writeUInt8(0xff, 0))],
  ['a prefix that leads out', 'archive/unsafe-name', edited((header) => void header.write('../..', 345, 'latin1'))],
  ['a name hidden behind ./', 'archive/unsafe-name', named('.//etc/passwd')],
  ['a GNU name that leads out', 'archive/unsafe-name', () => buildTar({ name: 'L', type: 'L', content: '../x\0' }, { name: 'a' })],
  ['a pax name that leads out', 'archive/unsafe-name', () => buildTar(paxHeader(paxRecord('path', '../x')), { name: 'a' })],
  ['a pax name with a NUL', 'archive/unsafe-name', () => buildTar(paxHeader(paxRecord('path', 'a\0../x')), { name: 'a' })],
  ['a name without end', 'archive/unsafe-name', () => buildTar({ name: 'L', type: 'L', content: 'n'.repeat(5000) }, { name: 'a' })],
  ['a hard link', 'archive/unsafe-member', typed('1')],
  ['a symbolic link', 'archive/unsafe-member', typed('2')],
  ['a character device', 'archive/unsafe-member', typed('3')],
  ['a block device', 'archive/unsafe-member', typed('4')],
  ['a folder', 'archive/unsafe-member', typed('5')],
  ['a pipe', 'archive/unsafe-member', typed('6')],
  ['a sparse file of GNU tar', 'archive/unsafe-member', typed('S')],
  ['a part of another volume', 'archive/unsafe-member', typed('M')],
  ['a type that nobody knows', 'archive/unsafe-member', typed('Z')],
  ['a long target of a link', 'archive/unsafe-member', () => buildTar({ name: 'K', type: 'K', content: '/etc/passwd\0' }, { name: 'a', type: '2' })],
  ['a sparse file of pax', 'archive/unsafe-member', () => buildTar(paxHeader(paxRecord('GNU.sparse.major', '1')), { name: 'a' })],
  ['a name twice', 'archive/duplicate-name', () => buildTar({ name: 'a' }, { name: 'a' })],
  ['a name twice but for its case', 'archive/duplicate-name', () => buildTar({ name: 'Disk.vmdk' }, { name: 'disk.VMDK' })],
  ['a name twice but for its composition', 'archive/duplicate-name', () => buildTar({ name: '\u00e9' }, { name: 'e\u0301' })],
  ['too many files', 'archive/too-many-members', () => buildTar(...Array.from({ length: 321 }, (_, at) => ({ name: `f${at}` })))],
  ['too many headers', 'archive/too-many-members', () => buildTar(...Array.from({ length: 1300 }, () => ({ name: './', type: '5' })))],
  ['a giant extension', 'archive/too-large', () => buildTar({ name: 'x', type: 'x', content: Buffer.alloc(70_000, 'x') }, { name: 'a' })],
  ['an extension that claims terabytes', 'archive/cut-short', () => buildTar({ name: 'x', type: 'x', size: 2 ** 42 })],
  ['a record without length', 'archive/malformed-extension', () => buildTar(paxHeader('path=a\n'), { name: 'a' })],
  ['a record of length zero', 'archive/malformed-extension', () => buildTar(paxHeader('0 path=a\n'), { name: 'a' })],
  ['a record longer than the extension', 'archive/malformed-extension', () => buildTar(paxHeader('99 path=a\n'), { name: 'a' })],
  ['a record without line feed', 'archive/malformed-extension', () => buildTar(paxHeader('9 path=a '), { name: 'a' })],
  ['a record without a name', 'archive/malformed-extension', () => buildTar(paxHeader('5 =a\n'), { name: 'a' })],
  ['a record twice', 'archive/malformed-extension', () => buildTar(paxHeader(paxRecord('path', 'a'), paxRecord('path', 'b')), { name: 'a' })],
  [
    'thousands of records',
    'archive/malformed-extension',
    () => buildTar(paxHeader(...Array.from({ length: 300 }, (_, at) => paxRecord(`k${at}`, ''))), { name: 'a' }),
  ],
  ['another charset', 'archive/malformed-extension', () => buildTar(paxHeader(paxRecord('hdrcharset', 'BINARY')), { name: 'a' })],
  ['a pax size that is none', 'archive/malformed-number', () => buildTar(paxHeader(paxRecord('size', '1e9')), { name: 'a' })],
  ['a pax size beyond all disks', 'archive/malformed-number', () => buildTar(paxHeader(paxRecord('size', '9'.repeat(20))), { name: 'a' })],
  ['a pax size past the end', 'archive/cut-short', () => buildTar(paxHeader(paxRecord('size', '9999')), { name: 'a', content: 'abc' })],
  ['one name for all files', 'archive/malformed-extension', () => buildTar({ name: 'g', type: 'g', content: paxRecord('path', 'a') }, { name: 'b' })],
  [
    'two names for one file',
    'archive/malformed-extension',
    () => buildTar({ name: 'L', type: 'L', content: 'a\0' }, paxHeader(paxRecord('path', 'b')), { name: 'c' }),
  ],
  ['an extension for nothing', 'archive/malformed-extension', () => buildTar(paxHeader(paxRecord('path', 'a')))],
  ['a second archive behind the first', 'archive/trailing-bytes', () => Buffer.concat([buildTar({ name: 'a' }), buildTar({ name: '../x' })])],
  [
    'a member behind one block of zeros',
    'archive/trailing-bytes',
    () => Buffer.concat([tarPart({ name: 'a' }), Buffer.alloc(512), buildTar({ name: 'b' })]),
  ],
  ['megabytes of zeros', 'archive/trailing-bytes', () => Buffer.concat([buildTar({ name: 'a' }), Buffer.alloc(2 * MIB)])],
];

const overwrite = (bytes: Buffer, at: number, text: string): Buffer => {
  bytes.write(text, at, 'latin1');
  return bytes;
};
const flip = (bytes: Buffer, at: number): Buffer => {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
};

describe('an archive that is refused', () => {
  test.each(HOSTILE)('%s: %s', (_, code, bytes) => {
    expect(() => read(bytes())).toThrow(expect.objectContaining({ code }));
  });

  test('there is a hostile archive for every code', () => {
    expect(new Set(HOSTILE.map(([, code]) => code)).size).toBe(11);
  });

  test('a refusal shows no character that a terminal obeys', () => {
    expect(() => read(buildTar({ name: '\u001B[2Jx' }))).toThrow(/^[^\u001B]*$/);
  });

  test('any change of some bytes is read or refused, and members never lie outside or over each other', () => {
    const whole = buildTar({ name: 'a.ovf', content: 'x'.repeat(700) }, paxHeader(paxRecord('path', 'b')), { name: 'b', content: 'y'.repeat(100) });
    const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(changes, fc.boolean(), (edits, isSealed) => {
        const bytes = Buffer.from(whole);
        for (const [at, value] of edits) bytes[at] = value;
        if (isSealed) for (const at of [0, 1536, 2560]) sealHeader(bytes.subarray(at, at + 512));
        let end = 0;
        try {
          for (const member of read(bytes)) {
            expect(member.offset).toBeGreaterThanOrEqual(end + 512);
            end = member.offset + member.length;
            expect(end).toBeLessThanOrEqual(bytes.length);
            expect(member.name).not.toMatch(/[/\\]|^\.{0,2}$/);
          }
        } catch (reason) {
          expect(reason).toBeInstanceOf(HyperError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
