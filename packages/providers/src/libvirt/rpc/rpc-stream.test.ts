import { calm } from '@hypersdk/testkit';
import { expect, test } from 'vitest';
import { RpcStream, type StreamPiece } from './rpc-stream.ts';

const MIB = 1024 * 1024;

function open(): { readonly stream: RpcStream; readonly turns: string[] } {
  const turns: string[] = [];
  return { turns, stream: new RpcStream({ pause: () => turns.push('pause'), resume: () => turns.push('resume') }) };
}

test('a reader that is slow holds the connection back, and lets it go on when it has caught up', async () => {
  const { stream, turns } = open();
  for (let count = 0; count < 12; count += 1) stream.data(Buffer.alloc(MIB, count));
  expect(turns).toEqual(['pause']);
  stream.data(new Uint8Array(0));
  const seen: StreamPiece[] = [];
  for await (const piece of stream.pieces(calm.signal)) {
    seen.push(piece);
    if (seen.length === 5) expect(turns).toEqual(['pause']);
  }
  expect(turns).toEqual(['pause', 'resume']);
  expect(seen.map((piece) => piece.kind === 'data' && piece.bytes[0])).toEqual(Array.from({ length: 12 }, (_, at) => at));
});

test('a server that sends nothing but holes is held back too', () => {
  const { stream, turns } = open();
  for (let count = 0; count < 200_000; count += 1) stream.hole(1n);
  expect(turns).toEqual(['pause']);
});

test('a stream that fails is let go of, and what was there before is read first', async () => {
  const { stream, turns } = open();
  for (let count = 0; count < 12; count += 1) stream.data(Buffer.alloc(MIB));
  const reason = new Error('gone');
  stream.fail(reason);
  expect(turns).toEqual(['pause', 'resume']);
  let count = 0;
  const read = async (): Promise<void> => {
    for await (const _ of stream.pieces(calm.signal)) count += 1;
  };
  await expect(read()).rejects.toBe(reason);
  expect(count).toBe(12);
  await expect(stream.confirmed).rejects.toBe(reason);
});

test('a reader that waits hears of being called off', async () => {
  const stop = new AbortController();
  const { stream } = open();
  const next = stream.pieces(stop.signal).next();
  const reason = new Error('called off');
  stop.abort(reason);
  await expect(next).rejects.toBe(reason);
});

test('data after the end and holes that cannot be are refused', () => {
  const { stream } = open();
  expect(() => stream.hole(-1n)).toThrow(/a hole of -1 bytes/);
  expect(() => stream.hole(2n ** 60n)).toThrow(/a hole of/);
  stream.data(new Uint8Array(0));
  expect(() => stream.data(new Uint8Array(1))).toThrow(/after the end/);
  expect(() => stream.hole(1n)).toThrow(/a hole of 1 bytes/);
});
