import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isExportName, toExportName } from './export-name.ts';

describe('the name of an export', () => {
  test('a safe name of a VM is kept', () => {
    for (const name of ['web-01', 'DB_2.prod', 'a', '7', 'x'.repeat(128)]) expect(toExportName(name)).toBe(name);
  });

  test('a hostile name is spelled safely and stays recognisable', () => {
    expect(toExportName('web server/01')).toMatch(/^web-server-01-[0-9a-f]{12}$/);
    expect(toExportName('../../etc/passwd')).toMatch(/^etc-passwd-[0-9a-f]{12}$/);
    expect(toExportName('.hidden')).toMatch(/^hidden-[0-9a-f]{12}$/);
    expect(toExportName('Büro')).toMatch(/^B-ro-[0-9a-f]{12}$/);
    expect(toExportName('')).toMatch(/^vm-[0-9a-f]{12}$/);
    expect(toExportName('con')).toMatch(/^vm-[0-9a-f]{12}$/);
    expect(toExportName('NUL.img')).toMatch(/^vm-[0-9a-f]{12}$/);
    expect(toExportName('trailing.')).toMatch(/^trailing-[0-9a-f]{12}$/);
  });

  test('names that look alike once they are safe do not meet', () => {
    const names = ['a b', 'a/b', 'a\\b', 'a\nb', 'a\u0000b', 'a\u202eb', 'a\ud800b', 'a\udfffb', `${'x'.repeat(200)}1`, `${'x'.repeat(200)}2`];
    expect(new Set(names.map(toExportName)).size).toBe(names.length);
  });

  test('whatever a VM is called, the name is safe, and safe names are fixed points', () => {
    // Any code units, also halves of surrogate pairs; and names that are nearly safe.
    const hostile = fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes));
    const nearlySafe = fc.array(fc.constantFrom(...'aZ09._- ')).map((letters) => letters.join(''));
    fc.assert(
      fc.property(fc.oneof(hostile, nearlySafe), (vmName) => {
        const name = toExportName(vmName);
        return isExportName(name) && toExportName(name) === name;
      }),
    );
  });
});
