import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodePacket, type Packet, PacketCutter } from './packet.ts';

const header = { program: 0x20008086, procedure: 66, type: 0, serial: 1, status: 0 };

test('the first packet of every connection has the bytes that the protocol says', () => {
  expect(encodePacket(header, new Uint8Array(0)).toString('hex')).toBe('0000001c200080860000000100000042000000000000000100000000');
});

test('however the stream is cut, the same packets come out', () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(payloads, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sent, sizes) => {
      const stream = Buffer.concat(sent.map((payload, serial) => encodePacket({ ...header, serial }, payload)));
      const cutter = new PacketCutter();
      const packets: Packet[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1;
        packets.push(...cutter.cut(Buffer.from(stream.subarray(at, at + size))));
        at += size;
      }
      expect(packets.map(({ serial }) => serial)).toEqual(sent.map((_, serial) => serial));
      expect(packets.map(({ payload }) => Buffer.from(payload).toString('hex'))).toEqual(sent.map((payload) => Buffer.from(payload).toString('hex')));
    }),
  );
});

test.each([
  ['too short for a header', '0000001b', /a packet of 27 bytes/],
  ['larger than any', '02000005', /a packet of 33554437 bytes/],
  ['of another version', '0000001c200080860000000200000042000000000000000100000000', /version 2/],
])('a packet %s is refused', (_, hex, why) => {
  expect(() => [...new PacketCutter().cut(Buffer.from(hex, 'hex'))]).toThrow(why);
});
