import { describe, expect, test } from 'vitest';
import { readVolumeXml, toVolumeXml } from './volume-xml.ts';

const volume = (content: string): string => `<volume type='file'><name>v</name>${content}<target><path>/p/v</path></target></volume>`;

describe('the description of a volume', () => {
  test('is read as it was written', () => {
    const wish = { pool: 'p', name: 'a & <b>.qcow2', format: 'qcow2', virtualSize: 5_000_000_000, allocation: 'sparse' } as const;
    const written = toVolumeXml(wish, { path: `/p/it's`, format: 'raw' });
    expect(readVolumeXml(written, 'p')).toMatchObject({
      pool: 'p',
      name: wish.name,
      format: 'qcow2',
      virtualSize: 5_000_000_000,
      allocatedSize: 0,
      backing: { path: `/p/it's`, format: 'raw' },
    });
    expect(readVolumeXml(toVolumeXml({ ...wish, allocation: 'preallocated' }), 'p')).toMatchObject({ allocatedSize: 5_000_000_000 });
  });

  test('without a size that a disk can have is refused', () => {
    for (const capacity of [
      '',
      `<capacity unit='bytes'>99999999999999999999</capacity>`,
      `<capacity unit='bytes'>-1</capacity>`,
      `<capacity unit='GiB'>1</capacity>`,
    ])
      expect(() => readVolumeXml(volume(capacity), 'p')).toThrow(expect.objectContaining({ code: 'document/malformed' }));
    expect(readVolumeXml(volume(`<capacity unit='bytes'>7</capacity>`), 'p')).toEqual({
      pool: 'p',
      name: 'v',
      path: '/p/v',
      kind: 'file',
      virtualSize: 7,
      allocatedSize: 0,
    });
  });

  test('of something else is refused', () => {
    expect(() => readVolumeXml('<pool><name>v</name></pool>', 'p')).toThrow(expect.objectContaining({ code: 'document/malformed' }));
  });
});
