import { HyperError } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { parseMemoryConfig } from './memory-config.ts';

const disk = { id: 'vda', label: 'system', virtualSize: 4096, format: 'raw', location: '/images/web-01.raw' };
const vm = { id: 'web-01', name: 'web-01', disks: [disk] };

test('a VM comes out complete', () => {
  const { vms } = parseMemoryConfig({ connection: 'lab', vms: [{ ...vm, powerState: 'stopped', cpus: 2, memory: 1024 ** 3 }] });
  expect(vms).toEqual([
    { ...vm, provider: 'memory', connection: 'lab', powerState: 'stopped', cpus: 2, memory: 1024 ** 3, firmware: 'unknown', nics: [], tags: {} },
  ]);
});

const wrong: readonly (readonly [what: string, config: unknown])[] = [
  ['nothing', undefined],
  ['a list', []],
  ['an unknown field', { connection: 'lab', vms: [], colour: 'red' }],
  ['no connection', { vms: [] }],
  ['a VM without name', { connection: 'lab', vms: [{ ...vm, name: '' }] }],
  ['a VM twice', { connection: 'lab', vms: [vm, vm] }],
  ['a disk twice', { connection: 'lab', vms: [{ ...vm, disks: [disk, disk] }] }],
  ['a list of the deaf that is none', { connection: 'lab', vms: [vm], deaf: 'web-01' }],
  ['an unknown power state', { connection: 'lab', vms: [{ ...vm, powerState: 'on' }] }],
  ['an unknown format', { connection: 'lab', vms: [{ ...vm, disks: [{ ...disk, format: 'qed' }] }] }],
  ['a negative size', { connection: 'lab', vms: [{ ...vm, disks: [{ ...disk, virtualSize: -1 }] }] }],
  ['a path with a NUL', { connection: 'lab', vms: [{ ...vm, disks: [{ ...disk, location: '/a\0b' }] }] }],
];
test.each(wrong)('%s is refused', (_, config) => {
  expect(() => parseMemoryConfig(config)).toThrow(HyperError);
  expect(() => parseMemoryConfig(config)).toThrow(/not a configuration of the memory provider/);
});
