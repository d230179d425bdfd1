import { calm, MemoryTarget } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { nextLinkName } from './link-name.ts';

async function withObjects(...names: readonly string[]): Promise<MemoryTarget> {
  const target = new MemoryTarget();
  for (const name of names) await target.put(name, new Uint8Array(1), { ...calm, ifAbsent: true });
  return target;
}

describe('the name of the next link', () => {
  test.each([
    ['is the name itself where nothing is', [], 'web'],
    ['is still that while the first export is not finished', ['web/export-journal.json'], 'web'],
    ['has a number behind a finished export', ['web/export-manifest.json'], 'web.0001'],
    ['is that of an unfinished link, which then goes on', ['web/export-manifest.json', 'web.0001/export-journal.json'], 'web.0001'],
    ['follows the highest number, also over gaps', ['web/export-manifest.json', 'web.0041/export-manifest.json'], 'web.0042'],
    ['never takes one that was pruned and may come back', ['web.0007/retired-manifest.json'], 'web.0008'],
    ['minds no other VM whose name begins alike', ['web-02/export-manifest.json', 'web.old/export-manifest.json'], 'web'],
  ])('%s', async (_, objects, name) => {
    expect(await nextLinkName(await withObjects(...objects), 'web', calm)).toBe(name);
  });
});
