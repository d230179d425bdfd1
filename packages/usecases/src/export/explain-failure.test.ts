import { HyperError } from '@hypersdk/domain';
import { MemoryFolder, StagedVM, calm } from '@hypersdk/testkit';
import { expect, test } from 'vitest';
import { explainFailure } from './explain-failure.ts';

async function explain(error: unknown, o: { readonly isGone: boolean }): Promise<unknown> {
  const vm = new StagedVM(new MemoryFolder(), [new Uint8Array(512)]);
  const { diskExport } = vm.facets;
  if (!diskExport) throw new Error('There is nothing to export.');
  await using lease = await diskExport.open(vm.info.id, calm);
  if (o.isGone) vm.rewrite(0, new Uint8Array(512).fill(1));
  return await explainFailure(lease, error);
}

test('a disk that cannot be read any more is told with what its source says', async () => {
  const lost = new HyperError('nbd/lost', 'The server hung up.', { detail: { kept: true } });
  const told = await explain(lost, { isGone: true });
  expect(told).toMatchObject({ code: 'source/changed', cause: lost, detail: { kept: true } });
});

test('a source that says nothing leaves the failure as it is, and so does a failure that is none of its', async () => {
  const lost = new HyperError('nbd/lost', 'The server hung up.');
  expect(await explain(lost, { isGone: false })).toBe(lost);
  const full = new HyperError('target/full', 'The target is full.');
  expect(await explain(full, { isGone: true })).toBe(full);
});
