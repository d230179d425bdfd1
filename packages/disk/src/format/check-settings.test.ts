import { expect, test } from 'vitest';
import { checkSettings } from './check-settings.ts';

const SIZE = 1024 * 1024;

test('settings that a format knows pass, and others fail as wrong usage', () => {
  expect(() => checkSettings({ format: 'qcow2', compression: 'zstd' }, SIZE)).not.toThrow();
  expect(() => checkSettings({ format: 'raw', compression: 'zstd' }, SIZE)).toThrow(expect.objectContaining({ code: 'usage/invalid' }));
  expect(() => checkSettings({ format: 'vmdk', subformat: 'sparse' }, SIZE)).toThrow(expect.objectContaining({ code: 'usage/invalid' }));
  expect(() => checkSettings({ format: 'vmdk', clusterSize: 65536 }, SIZE)).toThrow('cluster size is not a setting of VMDK images');
});
