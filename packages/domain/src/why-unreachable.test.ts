import { expect, test } from 'vitest';
import { whyUnreachable } from './why-unreachable.ts';

const failed = (code: string, message = code): Error => Object.assign(new Error(message), { code });

test.each([
  [failed('ECONNREFUSED'), 'nobody listens there (the connection was refused)'],
  [failed('ENOTFOUND'), 'no name server knows this name'],
  // Node tries every address of a name and gathers the failures; the gathering has a code, and no message.
  [Object.assign(new AggregateError([failed('ECONNREFUSED'), failed('ECONNREFUSED')]), { code: 'ECONNREFUSED' }), 'nobody listens there (the'],
  [failed('ENOBUFS'), 'the system gives ENOBUFS'],
  [new Error('odd'), 'odd'],
  [new Error(''), 'the connection could not be made'],
  [undefined, 'the connection could not be made'],
])('%s is told in words', (cause, words) => {
  expect(whyUnreachable(cause)).toContain(words);
});
