import { expectRefusal } from '../conformance/expectations.ts';
import { storageTargetContract } from '../conformance/storage-target-contract.ts';
import { expect, test } from 'vitest';
import { MemoryFolder } from './memory-folder.ts';

const calm = { signal: new AbortController().signal };

storageTargetContract(async () => ({ target: new MemoryFolder() }));

test('an object and the file of its path are one', async () => {
  const folder = new MemoryFolder('/place');
  folder.write('/place/a/image', Uint8Array.of(1, 2));
  expect(await folder.get('a/image', calm)).toEqual(Uint8Array.of(1, 2));
  await folder.delete('a/image', calm);
  expect(folder.find('/place/a/image')).toBeUndefined();
  await expectRefusal(folder.get('a/image', calm), 'source/not-found');
});
