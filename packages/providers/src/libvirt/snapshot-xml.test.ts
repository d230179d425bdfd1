import { parseXml } from '@hypersdk/wire';
import { expect, test } from 'vitest';
import { toSnapshotInfo, toSnapshotXml } from './snapshot-xml.ts';

test('whatever the name, the document says just that', () => {
  const name = `a'b"c<d>&e`;
  const xml = toSnapshotXml({ name, description: '<x/>', placement: 'external' }, ['vda', `v'd`]);
  const [first, described, disks] = parseXml(xml).children;
  expect([first?.text, described?.text]).toEqual([name, '<x/>']);
  expect(disks?.children.map(({ attributes }) => Object.fromEntries(attributes))).toEqual([
    { name: 'vda', snapshot: 'external' },
    { name: `v'd`, snapshot: 'external' },
  ]);
});

test('an external snapshot as libvirt describes it', () => {
  const xml = `<domainsnapshot><name>s2</name><description>before the upgrade</description><state>disk-snapshot</state><parent><name>s1</name></parent>
    <creationTime>1700000000</creationTime><memory snapshot='no'/>
    <disks><disk name='vda' snapshot='external' type='file'><driver type='qcow2'/><source file='/i/a.s2'/></disk><disk name='vdb' snapshot='no'/></disks></domainsnapshot>`;
  expect(toSnapshotInfo(xml, { isCurrent: true })).toEqual({
    id: 's2',
    name: 's2',
    description: 'before the upgrade',
    createdAt: '2023-11-14T22:13:20.000Z',
    parent: 's1',
    isCurrent: true,
    hasMemory: false,
    placement: 'external',
    overlays: [{ target: 'vda', file: '/i/a.s2' }],
  });
});

test('an internal snapshot of a running domain has its memory', () => {
  const xml = `<domainsnapshot><name>s</name><memory snapshot='internal'/><disks><disk name='vda' snapshot='internal'/></disks></domainsnapshot>`;
  expect(toSnapshotInfo(xml, { isCurrent: false })).toEqual({
    id: 's',
    name: 's',
    isCurrent: false,
    hasMemory: true,
    placement: 'internal',
    overlays: [],
  });
});

test('what is no snapshot is refused', () => {
  expect(() => toSnapshotInfo('<domain><name>a</name></domain>', { isCurrent: false })).toThrow(/not the description of a snapshot/);
  expect(() => toSnapshotInfo('<domainsnapshot/>', { isCurrent: false })).toThrow(/not the description/);
});
