import { expect, test } from 'vitest';
import { HyperError } from './hyper-error.ts';
import { systemCode } from './system-code.ts';

test('a system error has its name, and no other error has one', () => {
  expect(systemCode(Object.assign(new Error('full'), { code: 'ENOSPC' }))).toBe('ENOSPC');
  expect(systemCode(new HyperError('target/full', 'The file system is full.'))).toBeUndefined();
  expect(systemCode(Object.assign(new Error('late'), { code: 'ERR_INVALID_ARG_TYPE' }))).toBeUndefined();
  expect(systemCode({ code: 'ENOSPC' })).toBeUndefined();
  expect(systemCode(undefined)).toBeUndefined();
});
