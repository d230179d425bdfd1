import { describe, expect, test } from 'vitest';
import { parseVolumeGroup } from './volume-group.ts';

const groupOf = (o: { readonly extentSize?: number; readonly extentCount?: number; readonly place?: number | string }): string => `vg {
id = "g"
extent_size = ${o.extentSize ?? 8192}
physical_volumes { pv0 { id = "p" pe_start = 2048 } }
logical_volumes { root { id = "l" status = ["VISIBLE"] segment1 {
start_extent = 0
extent_count = ${o.extentCount ?? 4}
type = "striped"
stripe_count = 1
stripes = ["pv0", ${o.place ?? 1}]
} } } }`;

describe('a group of volumes', () => {
  test('has volumes and their places', () => {
    expect(parseVolumeGroup(groupOf({}))).toMatchObject({
      extentSize: 4 * 1024 * 1024,
      volumes: [{ extentCount: 4, segments: [{ place: { extent: 1 } }] }],
    });
  });

  test('whose volume is larger than any disk is damaged', () => {
    expect(() => parseVolumeGroup(groupOf({ extentSize: 4_294_967_295, extentCount: 4_294_967_295 }))).toThrow('describe a volume of');
  });

  test.each([-1, 1.5, '"1"'])('whose volume lies at the extent %s has no place for it', (place) => {
    expect(parseVolumeGroup(groupOf({ place })).volumes[0]?.segments[0]?.place).toBeUndefined();
  });
});
