import { constants, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { measureZstdFrame } from './zstd-frame.ts';

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;

describe('the length of a zstd frame', () => {
  test('is that of what an encoder made, with and without checksum, for every size of the content', () => {
    for (const length of [0, 1, 255, 256, 65_791, 65_792, 300_000]) {
      for (const checksumFlag of [0, 1]) {
        const content = Uint8Array.from({ length }, (_, index) => (index * index) >>> 5);
        const frame = zstdCompressSync(content, { params: { [constants.ZSTD_c_checksumFlag]: checksumFlag } });
        expect(measureZstdFrame(Buffer.concat([frame, new Uint8Array(511)]), length)).toBe(frame.length);
      }
    }
  });

  test('counts blocks of each type, and one byte for a run', () => {
    const raw = [...blockHeader({ type: 0, size: 3, last: false }), 1, 2, 3];
    const run = [...blockHeader({ type: 1, size: 70_000, last: true }), 9];
    expect(measureZstdFrame(frameOf({ descriptor: 0x00, fields: [0x50], blocks: [...raw, ...run] }), 70_003)).toBe(5 + 1 + 6 + 4);
  });

  test('is measured from where a view begins', () => {
    const frame = zstdCompressSync(new Uint8Array(1000));
    const memory = new Uint8Array(100 + frame.length + 100).fill(0xff);
    memory.set(frame, 100);
    expect(measureZstdFrame(memory.subarray(100), 1000)).toBe(frame.length);
  });
});

describe('a zstd frame is refused when it', () => {
  const block = [...blockHeader({ type: 0, size: 1, last: true }), 7];
  test.each([
    ['has no magic number', Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0), 'magic'],
    ['is a skippable frame', Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0), 'magic'],
    ['sets the reserved bit', frameOf({ descriptor: 0x08, fields: [0], blocks: block }), 'reserved bit'],
    ['names a dictionary', frameOf({ descriptor: 0x01, fields: [0, 5], blocks: block }), 'dictionary'],
    ['needs a window beyond 128 MiB', frameOf({ descriptor: 0x00, fields: [(17 << 3) + 1], blocks: block }), 'window'],
    ['holds another length than expected', frameOf({ descriptor: 0x20, fields: [2], blocks: block }), 'holds 2 bytes'],
    [
      'has a block of the reserved type',
      frameOf({ descriptor: 0x20, fields: [1], blocks: blockHeader({ type: 3, size: 0, last: true }) }),
      'reserved type',
    ],
    ['has no last block', frameOf({ descriptor: 0x20, fields: [1], blocks: [0, 0, 0] }), 'cut short'],
    ['ends inside its checksum', frameOf({ descriptor: 0x24, fields: [1], blocks: [...block, 1, 2, 3] }), 'cut short'],
  ])('%s', (_what, bytes, why) => {
    expect(() => measureZstdFrame(bytes, 1)).toThrow(why);
  });

  test('ends anywhere before its end', () => {
    const frame = zstdCompressSync(Buffer.from('The quick brown fox jumps over the lazy dog.'));
    for (let length = 0; length < frame.length; length += 1) expect(() => measureZstdFrame(frame.subarray(0, length), 44)).toThrow();
  });

  test('consists of empty blocks without end, in time linear to its length', () => {
    expect(() => measureZstdFrame(frameOf({ descriptor: 0x20, fields: [1], blocks: new Uint8Array(3_000_000) }), 1)).toThrow('cut short');
  });
});

interface FrameParts {
  readonly descriptor: number;
  readonly fields: readonly number[];
  readonly blocks: Iterable<number>;
}

const frameOf = ({ descriptor, fields, blocks }: FrameParts): Uint8Array => Uint8Array.from([...MAGIC, descriptor, ...fields, ...blocks]);

function blockHeader({ type, size, last }: { readonly type: number; readonly size: number; readonly last: boolean }): readonly number[] {
  const field = size * 8 + type * 2 + (last ? 1 : 0);
  return [field & 0xff, (field >>> 8) & 0xff, (field >>> 16) & 0xff];
}
