import { expect, test } from 'vitest';
import { charsAsInts, int, listOf, optional, struct, text, uint, unsignedHyper, uuid } from './shapes.ts';
import { typedParams } from './typed-param.ts';
import { XdrReader } from './xdr-reader.ts';
import { XdrWriter } from './xdr-writer.ts';

const everything = struct({
  int,
  uint,
  size: unsignedHyper,
  text,
  uuid,
  maybe: optional(text),
  not: optional(text),
  list: listOf(struct({ name: text }), 10),
  chars: charsAsInts(10),
  params: typedParams(10),
});

const value = {
  int: -1,
  uint: 4_294_967_295,
  size: 2n ** 64n - 1n,
  text: 'größe',
  uuid: '4dea22b3-1d52-d8f3-2516-782e98ab3fa0',
  maybe: '',
  not: undefined,
  list: [{ name: 'a' }, { name: 'bcdef' }],
  chars: Uint8Array.of(0, 127, 255),
  params: [
    { field: 'a', value: 'text' },
    { field: 'b', value: true },
    { field: 'c', value: 5n },
    { field: 'd', value: 0.5 },
  ],
};

function written(): Buffer {
  const writer = new XdrWriter();
  everything.write(writer, value);
  return writer.written;
}

test('what is written is read', () => {
  const reader = new XdrReader(written());
  expect(everything.read(reader)).toEqual(value);
  expect(reader.left).toBe(0);
});

test('a message that outgrows its first buffer is whole', () => {
  const writer = new XdrWriter();
  const long = 'x'.repeat(100_001);
  for (let count = 0; count < 70; count += 1) int.write(writer, count);
  text.write(writer, long);
  const reader = new XdrReader(writer.written);
  for (let count = 0; count < 70; count += 1) expect(int.read(reader)).toBe(count);
  expect(text.read(reader)).toBe(long);
});

test('the first call of every connection has the bytes that the protocol says', () => {
  const writer = new XdrWriter();
  struct({ name: optional(text), flags: uint }).write(writer, { name: 'qemu:///system', flags: 0 });
  expect(writer.written.toString('hex')).toBe('000000010000000e71656d753a2f2f2f73797374656d000000000000');
});

test('a message that ends anywhere before its end is refused', () => {
  const bytes = written();
  for (let size = 0; size < bytes.length; size += 1)
    expect(() => everything.read(new XdrReader(bytes.subarray(0, size)))).toThrow(/cut short|over before/);
});

test.each([
  { what: 'a text that is too long', shape: text, hex: '00400001', why: /4194305 bytes where at most 4194304/ },
  { what: 'a text longer than the message', shape: text, hex: '0000ffff', why: /65535 bytes in a message that is over before/ },
  { what: 'more items than are allowed', shape: listOf(int, 2), hex: '00000003000000000000000000000000', why: /3 items where at most 2/ },
  {
    what: 'more items than there is room for',
    shape: listOf(int, 1_000_000),
    hex: '000f4240',
    why: /1000000 items in a message that is over before/,
  },
  { what: 'neither there nor not there', shape: optional(int), hex: '0000000200000000', why: /says 2/ },
  { what: 'a parameter of an unknown type', shape: typedParams(1), hex: '00000001000000016100000000000008', why: /type 8/ },
] as const)('$what is refused', ({ shape, hex, why }) => {
  expect(() => shape.read(new XdrReader(Buffer.from(hex, 'hex')))).toThrow(why);
});
