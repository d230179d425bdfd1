import { expect, test } from 'vitest';
import { both } from './both.ts';

const calm = new AbortController().signal;

test('two works answer together', async () => {
  expect(await both(calm, [async () => 1, async () => 'two'])).toEqual([1, 'two']);
});

test('the first failure calls the other off, and is thrown only when that has ended', async () => {
  const failure = new Error('a medium failed');
  const ended: string[] = [];
  const slow = (signal: AbortSignal): Promise<never> =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        setTimeout(() => {
          ended.push('slow');
          reject(signal.reason);
        }, 5);
      });
    });
  await expect(both(calm, [slow, () => Promise.reject(failure)])).rejects.toBe(failure);
  expect(ended).toEqual(['slow']);
});

test('a cancellation from outside is what is thrown', async () => {
  const cancel = new AbortController();
  const waiting = (signal: AbortSignal): Promise<never> => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const running = both(cancel.signal, [waiting, waiting]);
  cancel.abort('called off');
  await expect(running).rejects.toBe('called off');
});
