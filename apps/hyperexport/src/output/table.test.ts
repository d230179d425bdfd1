import { expect, test } from 'vitest';
import { formatFields, formatTable } from './table.ts';

test('columns are as wide as their widest cell and numbers stand to the right', () => {
  const text = formatTable(
    [{ title: 'NAME' }, { title: 'SIZE', align: 'right' }, { title: 'PATH' }],
    [
      ['web-01', '12 GiB', '/vms/web'],
      ['database', '1.5 TiB', '/vms/db'],
    ],
  );
  expect(text).toBe(['NAME         SIZE  PATH', 'web-01     12 GiB  /vms/web', 'database  1.5 TiB  /vms/db', ''].join('\n'));
});

test('a table without rows is no table', () => {
  expect(formatTable([{ title: 'NAME' }], [])).toBe('');
});

test('no line ends in blanks', () => {
  expect(formatTable([{ title: 'A' }, { title: 'B' }], [['long cell', '']])).toBe('A          B\nlong cell\n');
});

test('fields align their values', () => {
  expect(
    formatFields([
      ['format', 'qcow2'],
      ['virtual size', '1 GiB'],
    ]),
  ).toBe('format        qcow2\nvirtual size  1 GiB\n');
});
