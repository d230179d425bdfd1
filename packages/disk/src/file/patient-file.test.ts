import { MIB, type ByteRange } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { MemoryFile } from './memory-file.ts';
import { PatientFile } from './patient-file.ts';

class CountedFile extends MemoryFile {
  readonly allocated: ByteRange[] = [];

  override allocate(range: ByteRange): void {
    this.allocated.push(range);
  }
}

test('much room is made in pieces when it is waited for, and a little at once', () => {
  const file = new CountedFile();
  const patient = new PatientFile(file);
  patient.allocate({ offset: 0, length: MIB }, 'zero');
  patient.allocate({ offset: MIB, length: 10 * MIB }, 'zero');
  expect(file.allocated).toEqual([{ offset: 0, length: MIB }]);
  expect([...patient.makeRoom()]).toHaveLength(3);
  expect(file.allocated.slice(1)).toEqual([
    { offset: MIB, length: 4 * MIB },
    { offset: 5 * MIB, length: 4 * MIB },
    { offset: 9 * MIB, length: 2 * MIB },
  ]);
  expect([...patient.makeRoom()]).toEqual([]);
});
