import { calm, expectCancelled } from '@hypersdk/testkit';
import { expect, test } from 'vitest';
import { remember } from './remember.ts';

test('all who ask have what one look found, and a look that failed is taken again', async () => {
  const answers = [new Error('not yet'), 'found', 'found later'];
  const ask = remember(async () => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  });
  await expect(Promise.allSettled([ask(calm), ask(calm)])).resolves.toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  expect(await Promise.all([ask(calm), ask(calm)])).toEqual(['found', 'found']);
  expect(await ask(calm)).toBe('found');
});

test('whoever called off is not answered, and nobody looks for him', async () => {
  const ask = remember(() => expect.unreachable());
  await expectCancelled(ask);
});
