import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { referenceFlags, toReferencePolicy } from './reference-flags.ts';

test('nothing is opened unless it is allowed', () => {
  expect(toReferencePolicy({})).toBe('refuse');
  expect(toReferencePolicy({ followReferences: false, parent: [] })).toBe('refuse');
  expect(toReferencePolicy({ followReferences: true })).toBe('beside');
});

test('files named one by one are the only ones, wherever the command runs', () => {
  const parent = ['base.qcow2', '/other/mid.qcow2'].map(referenceFlags.parent.parse);
  expect(toReferencePolicy({ parent })).toEqual({ listed: [resolve('base.qcow2'), '/other/mid.qcow2'] });
});

test('a list and a folder are not mixed', () => {
  expect(() => toReferencePolicy({ followReferences: true, parent: ['/base.qcow2'] })).toThrow(expect.objectContaining({ code: 'usage/invalid' }));
});
