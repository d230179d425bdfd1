import { describe, expect, test } from 'vitest';
import { MARK_SIZE, markOf, runOfMark, splitHead } from './iso-upload.ts';

describe('the mark of an unfinished upload', () => {
  test('names its run, and nothing else does', () => {
    expect(runOfMark(markOf('ABC123', 65_536))).toBe('ABC123');
    expect(runOfMark(markOf('ABC123', 65_536).subarray(0, MARK_SIZE))).toBe('ABC123');
    for (const bytes of [
      new Uint8Array(0),
      new Uint8Array(MARK_SIZE),
      Buffer.concat([Buffer.from(' '), markOf('ABC123', 100)]),
      markOf('ABC123', 20),
    ])
      expect(runOfMark(bytes)).toBeUndefined();
  });
});

describe('the head of a stream', () => {
  test('is cut wherever its pieces meet, and nothing is lost', async () => {
    const whole = Buffer.from(Array.from({ length: 100 }, (_, at) => at));
    for (const piece of [1, 7, 50, 100]) {
      for (const size of [1, 50, 99, 100]) {
        const { head, rest } = await splitHead(cut(whole, piece), size);
        expect(head).toEqual(whole.subarray(0, size));
        expect(Buffer.concat(await Array.fromAsync(rest))).toEqual(whole.subarray(size));
      }
    }
  });

  test('of a short stream is all of it, and whoever stops early closes it', async () => {
    const { head, rest } = await splitHead(cut(Buffer.from('abc'), 2), 10);
    expect(head.toString()).toBe('abc');
    expect(await Array.fromAsync(rest)).toEqual([]);
    let isClosed = false;
    const open = await splitHead(
      (async function* () {
        try {
          for (;;) yield Buffer.from('abc');
        } finally {
          isClosed = true;
        }
      })(),
      1,
    );
    for await (const _ of open.rest) break;
    expect(isClosed).toBe(true);
  });
});

async function* cut(whole: Buffer, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += length) yield whole.subarray(at, at + length);
}
