import { expect, test } from 'vitest';
import { currentOwner, isProvablyDead } from './owner.ts';

const SELF = { bootId: 'b', networkNamespace: 'net:[1]', pid: 10 };

test('an owner of this boot and network namespace is dead once its lock is free', () => {
  expect(isProvablyDead({ ...SELF, pid: 9 }, SELF)).toBe(true);
});

test('an owner of another boot or container, or one that could not say, may still live', () => {
  expect(isProvablyDead({ ...SELF, bootId: 'c' }, SELF)).toBe(false);
  expect(isProvablyDead({ ...SELF, networkNamespace: 'net:[2]' }, SELF)).toBe(false);
  expect(isProvablyDead({ ...SELF, bootId: '' }, { ...SELF, bootId: '' })).toBe(false);
});

test('this process names itself', () => {
  expect(currentOwner().pid).toBe(process.pid);
  expect(isProvablyDead(currentOwner())).toBe(true);
});
