import { toVMId, type VMEvent } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { EventBuffer } from './event-buffer.ts';

const event = (name: string): VMEvent => ({ vm: toVMId(name), name, kind: 'started' });
const GAP: VMEvent = { kind: 'gap', reason: 'overflow' };
const open = (heldMax: number): EventBuffer => new EventBuffer({ heldMax, release: () => {} });

describe('held events', () => {
  test('come in their order, those that are held and those that come later', async () => {
    const buffer = open(10);
    buffer.push(event('a'));
    const taken = Array.fromAsync(buffer);
    buffer.push(event('b'));
    await Promise.resolve();
    buffer.push(event('c'));
    buffer.end();
    expect(await taken).toEqual([event('a'), event('b'), event('c')]);
  });

  test('that are too many are given up for one gap, however many they are', async () => {
    for (const [heldMax, expected] of [
      [1, [GAP]],
      [2, [GAP]],
      [3, [GAP, event('e')]],
      [5, ['a', 'b', 'c', 'd', 'e'].map(event)],
    ] as const) {
      const buffer = open(heldMax);
      for (const name of ['a', 'b', 'c', 'd', 'e']) buffer.push(event(name));
      buffer.end();
      expect(await Array.fromAsync(buffer)).toEqual(expected);
    }
  });

  test('are taken before the reason is told why no more come', async () => {
    const buffer = open(2);
    buffer.push(event('a'));
    buffer.end(new Error('gone'));
    buffer.push(event('b'));
    const iterator = buffer[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual(event('a'));
    await expect(iterator.next()).rejects.toThrow('gone');
  });

  test('are dropped at disposal, which ends whoever waits', async () => {
    const buffer = open(2);
    const taken = Array.fromAsync(buffer);
    await buffer[Symbol.asyncDispose]();
    buffer.push(event('a'));
    expect(await taken).toEqual([]);
  });
});
