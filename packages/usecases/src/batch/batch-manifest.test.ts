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
    [{ version: 2 }, 'field version'],
    [{ items: [] }, 'field items'],
    [{ items: [{ source: '/a' }] }, 'items[0].target: is missing'],
    [{ items: [{ ...item, vm: { glob: 'a', regex: 'b' } }] }, 'items[0].vm'],
    [{ items: [{ ...item, format: 'zip' }] }, 'items[0].format'],
    [{ items: [{ ...item, settings: { 'cluster-sise': 1 } }] }, 'cluster-sise'],
    [{ items: [item, { ...item, provider: 'vsphere' }] }, 'items[1].provider'],
    [{ parallel: 0 }, 'field parallel'],
    [{ item }, 'item'],
    [{ items: Array.from({ length: 1001 }, () => item) }, 'field items'],
  ];
  test.each(wrong)('that is %j is refused with its place', (changes, why) => {
    expect(() => parse(changes)).toThrow(expect.objectContaining({ code: 'document/malformed', message: expect.stringContaining(why) }));
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
