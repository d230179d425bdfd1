import { once } from 'node:events';
import { HyperError } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { LossWatch } from './loss-watch.ts';

test('a source that is gone is told once, and a daemon that cannot be asked is asked again', async () => {
  const answers = [undefined, new HyperError('libvirt/lost', 'The way is gone.'), new Error('odd'), new HyperError('source/changed', 'It ended.')];
  let asked = 0;
  await using watch = new LossWatch(async () => {
    const answer = answers[asked];
    asked += 1;
    if (answer) throw answer;
  }, 1);
  await once(watch.lost, 'abort');
  expect(watch.lost.reason).toBe(answers[3]);
  expect(asked).toBe(4);
});

test('nothing is told once it is disposed of', async () => {
  const watch = new LossWatch(() => Promise.reject(new HyperError('source/changed', 'It ended.')), 1);
  await watch[Symbol.asyncDispose]();
  expect(watch.lost.aborted).toBe(false);
});
