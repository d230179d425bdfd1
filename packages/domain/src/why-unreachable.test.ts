import { expect, test } from 'vitest';
import { whyUnreachable } from './why-unreachable.ts';

const failed = (code: string, message = code): Error => Object.assign(new Error(message), { code });

test.each([
  [failed('ECONNREFUSED'), 'nobody listens there (the connection was refused)'],
  [failed('ENOTFOUND'), 'no name server knows this name'],
  // Node tries every address of a name and gathers the failures; the gathering has their code.
  [
    Object.assign(new AggregateError([failed('ECONNREFUSED'), failed('ECONNREFUSED')], 'several addresses'), { code: 'ECONNREFUSED' }),
    'nobody listens there (the',
  ],
  [failed('ENOBUFS'), 'the system gives ENOBUFS'],
  [new Error('odd'), 'odd'],
  [undefined, 'the connection could not be made'],
])('%s is told in words', (cause, words) => {
  expect(whyUnreachable(cause)).toContain(words);
});
