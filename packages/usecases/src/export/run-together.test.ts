import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { runTogether } from './run-together.ts';

const calm = { signal: new AbortController().signal };

describe('running together', () => {
  test('answers come in the order of the items, and never more than the width run at once', async () => {
    let running = 0;
    let most = 0;
    const answers = await runTogether([30, 5, 20, 1], { ...calm, width: 2 }, async (ms) => {
      running += 1;
      most = Math.max(most, running);
      await delay(ms);
      running -= 1;
      return ms * 2;
    });
    expect(answers).toEqual([60, 10, 40, 2]);
    expect(most).toBe(2);
  });

  test('the first failure calls the others off, waits for them, and is thrown', async () => {
    const events: string[] = [];
    const work = runTogether(['fails', 'runs', 'waits'], { ...calm, width: 2 }, async (item, _, { signal }) => {
      events.push(item);
      if (item === 'fails') throw new Error('first');
      await delay(10_000, undefined, { signal }).catch(() => undefined);
      await delay(5);
      events.push('kept its work');
      throw new Error('second');
    });
    await expect(work).rejects.toThrow('first');
    expect(events).toEqual(['fails', 'runs', 'kept its work']);
  });

  test('a call that is called off rejects with the reason', async () => {
    const stop = new AbortController();
    const reason = new Error('called off');
    const work = runTogether([1, 2], { signal: stop.signal, width: 1 }, async (_item, _, { signal }) => {
      stop.abort(reason);
      await delay(1000, undefined, { signal }).catch(() => undefined);
    });
    await expect(work).rejects.toBe(reason);
  });
});
