import { describe, expect, test } from 'vitest';
import { globToPattern, parseBatchManifest } from './batch-manifest.ts';

const item = { source: '/vms', target: '/backup' };
const parse = (changes: object) => parseBatchManifest({ version: 1, items: [item], ...changes });

describe('a batch', () => {
  test('says what goes where, and how failures are met', () => {
    expect(parse({})).toEqual({ onError: 'stop', items: [{ source: '/vms', names: [], target: '/backup', settings: {} }] });
    expect(parse({ 'on-error': 'continue', parallel: 4, 'limit-rate': 1048576 })).toMatchObject({
      onError: 'continue',
      parallel: 4,
      limitRate: '1048576',
    });
  });

  test('chooses VMs by name, by names, by glob or by regular expression', () => {
    const chosen = (vm: object) => parse({ items: [{ ...item, vm }] }).items[0];
    expect(chosen({ name: 'web-01' })).toMatchObject({ names: ['web-01'] });
    expect(chosen({ name: ['a', 'b'] })).toMatchObject({ names: ['a', 'b'] });
    expect(chosen({ glob: 'web-*' })).toMatchObject({ names: [], match: '^web-.*$' });
    expect(chosen({ regex: '^web' })).toMatchObject({ names: [], match: '^web' });
  });

  test('has defaults that each item may override, setting by setting', () => {
    const defaults = { target: '/all', format: 'qcow2', settings: { compression: 'zstd', verify: '10%' } };
    const items = [{ source: '/a' }, { source: '/b', target: '/own', format: 'raw', settings: { verify: 'full' } }];
    expect(parse({ defaults, items }).items).toEqual([
      { source: '/a', names: [], target: '/all', format: 'qcow2', settings: { compression: 'zstd', verify: '10%' } },
      { source: '/b', names: [], target: '/own', format: 'raw', settings: { compression: 'zstd', verify: 'full' } },
    ]);
  });

  const wrong: readonly (readonly [changes: object, why: string])[] = [
    [{ version: 2 }, 'version has to be 1, not 2'],
    [{ items: [] }, 'items must not be empty'],
    [{ items: [{ source: '/a' }] }, 'items[0].target is missing, and there is none in defaults'],
    [{ items: [{ ...item, vm: { glob: 'a', regex: 'b' } }] }, 'items[0].vm has to have one of name, glob and regex'],
    [{ items: [{ ...item, format: 'zip' }] }, 'items[0].format has to be raw, qcow2, vmdk, vhd, vdi, vhdx, ova or ovf, not "zip"'],
    [{ items: [{ ...item, settings: { 'cluster-sise': 1 } }] }, 'items[0].settings.cluster-sise is not known there; name, subformat,'],
    [{ items: [item, { ...item, provider: 'vsphere' }] }, 'items[1].provider has to be files, not "vsphere"'],
    [{ items: [{ target: '/b' }] }, 'items[0].source is missing; it has to be a text'],
    [{ items: [{ ...item, settings: { recursive: 'yes' } }] }, 'items[0].settings.recursive has to be true or false, not "yes"'],
    [{ items: [{ ...item, settings: { verify: [] } }] }, 'items[0].settings.verify has to be a number or a text, not a list'],
    [{ items: item }, 'items has to be a list, not a group of fields'],
    [{ parallel: 65 }, 'parallel has to be at most 64, not 65'],
    [{ parallel: 1.5 }, 'parallel has to be a whole number, not 1.5'],
    [{ parallel: 0 }, 'parallel has to be at least 1, not 0'],
    [{ item }, 'item is not known there; version, on-error,'],
    [{ items: Array.from({ length: 1001 }, () => item) }, 'items has more than 1000 entries'],
  ];
  test.each(wrong)('that is %j is refused with its place', (changes, why) => {
    expect(() => parse(changes)).toThrow(expect.objectContaining({ code: 'batch/malformed', message: expect.stringContaining(why) }));
  });
});

describe('a glob', () => {
  test.each([
    ['web-*', 'web-01', true],
    ['web-*', 'my-web-01', false],
    ['web-0?', 'web-01', true],
    ['web-0?', 'web-011', false],
    ['a.b', 'axb', false],
    ['[x](y)|{z}^$\\/+', '[x](y)|{z}^$\\/+', true],
  ])('%s against %s: %s', (glob, name, fits) => {
    expect(new RegExp(globToPattern(glob), 'iu').test(name)).toBe(fits);
  });
});
