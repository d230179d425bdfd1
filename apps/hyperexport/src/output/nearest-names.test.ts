import { expect, test } from 'vitest';
import { listNearest } from './nearest-names.ts';

test('what is spelled most like what was typed comes first, and many are counted', () => {
  expect(listNearest(['mail', 'db-01', 'WEB-02', 'web'], 'web-01')).toBe('WEB-02, db-01, web, mail');
  const many = Array.from({ length: 20 }, (_, at) => `vm-${at}`);
  expect(listNearest(many, 'vm-17')).toMatch(/^vm-17, (vm-\d+, ){6}vm-\d+ and 12 more$/);
  expect(listNearest([], 'x')).toBe('');
});
