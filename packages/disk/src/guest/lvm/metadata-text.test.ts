import { expect, test } from 'vitest';
import { parseMetadataText } from './metadata-text.ts';
import { parseVolumeGroup } from './volume-group.ts';

const GROUP = `vg0 { # a comment
  id = "VGID" seqno = 3 extent_size = 8192 format = "lvm2"
  physical_volumes { pv0 { id = "PVID" device = "/dev/sda" pe_start = 2048 pe_count = 74 } }
  logical_volumes {
    root { id = "LVID" status = ["READ", "VISIBLE"] segment_count = 1
      segment1 { start_extent = 0 extent_count = 5 type = "striped" stripe_count = 1 stripes = ["pv0", 7] } }
    thin { id = "LVID2" status = [] segment_count = 1 segment1 { start_extent = 0 extent_count = 2 type = "thin" thin_pool = "pool" } }
  }
}
contents = "Text Format Volume Group"\nversion = 1\n\0leftovers {`;

test('a group is read with its disks and volumes', () => {
  expect(parseVolumeGroup(GROUP)).toEqual({
    name: 'vg0',
    id: 'VGID',
    extentSize: 4 * 1024 * 1024,
    disks: [{ name: 'pv0', id: 'PVID', start: 1024 * 1024 }],
    volumes: [
      {
        name: 'root',
        id: 'LVID',
        isVisible: true,
        extentCount: 5,
        segments: [{ start: 0, count: 5, type: 'striped', place: { disk: 'pv0', extent: 7 } }],
      },
      { name: 'thin', id: 'LVID2', isVisible: false, extentCount: 2, segments: [{ start: 0, count: 2, type: 'thin' }] },
    ],
  });
});

test('names that mean something to JavaScript are names', () => {
  const section = parseMetadataText('__proto__ { constructor = 1 }\ntoString = "x"');
  expect([...section.keys()]).toEqual(['__proto__', 'toString']);
});

test.each([
  ['sections without end', 'a {'.repeat(20)],
  ['sections too deep', `${'a {'.repeat(20)}${'}'.repeat(20)}`],
  ['a text without end', 'a = "b'],
  ['a list without end', 'a = [1, 2'],
  ['a list of lists', 'a = [[1]]'],
  ['a value that is missing', 'a = }'],
  ['an assignment without a name', '= 3'],
  ['letters of no language', 'a = §'],
  ['more tokens than any group has', 'a = 1\n'.repeat(150_000)],
])('%s is refused', (_, text) => {
  expect(() => parseMetadataText(text)).toThrow(expect.objectContaining({ code: 'image/malformed' }) as Error);
});

test.each([
  ['no group', 'version = 1'],
  ['a group without an id', 'vg { extent_size = 1 }'],
  ['a group with a name without end', `${'v'.repeat(1000)} { id = "x" extent_size = 1 }`],
  ['a size of extents that is negative', 'vg { id = "x" extent_size = -1 }'],
])('%s is refused', (_, text) => {
  expect(() => parseVolumeGroup(text)).toThrow(expect.objectContaining({ code: 'image/malformed' }) as Error);
});
