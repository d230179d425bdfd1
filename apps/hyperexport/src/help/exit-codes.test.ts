import { errorTable } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { exitCodes } from './exit-codes.ts';

test('each end of a command that an error can mean is told in the help', () => {
  const told = exitCodes.map(([code]): number => code);
  expect(told).toEqual(expect.arrayContaining([...new Set(Object.values(errorTable).map(({ exit }) => exit))]));
});
