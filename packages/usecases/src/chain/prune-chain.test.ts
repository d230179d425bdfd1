import { calm, MemoryFolder, MemoryInspector } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { sealExportManifest, writeDocument } from '../manifest/export-manifest.ts';
import { linkCalled } from './build-links.ts';
import type { ChainLink } from './chain-link.ts';
import { deleteRetired, pruneChain, restoreChain } from './prune-chain.ts';
import { readLinks, retiredName } from './read-links.ts';

const full = linkCalled('web-01', { minute: 1 });
const first = linkCalled('web-01.0001', { minute: 2, parent: full });
const flat = linkCalled('web-01.0002', {
  minute: 3,
  disk: { file: 'disk-0.raw', leaves: 'disk-0.raw.leaves', format: 'raw' },
  manifest: { flattenedFrom: { exportId: first.manifest.exportId, export: first.name } },
});
const late = linkCalled('web-01.0003', { minute: 4, parent: first });

async function folderOf(...links: readonly ChainLink[]): Promise<MemoryFolder> {
  const target = new MemoryFolder();
  for (const link of links) await add(target, link);
  return target;
}

async function add(target: MemoryFolder, { name, manifest }: ChainLink): Promise<void> {
  const { selfDigest: _, ...unsealed } = manifest;
  for (const { file } of manifest.disks) await target.put(`${name}/${file}`, Buffer.from(name), { ...calm, ifAbsent: true });
  await target.put(`${name}/export-manifest.json`, writeDocument(sealExportManifest(unsealed)), { ...calm, ifAbsent: true });
}

/** Prunes what `flat` replaces; its image is found to be right, and `meanwhile` happens while it is read. */
const prune = (target: MemoryFolder, meanwhile: () => Promise<void> = async () => {}): ReturnType<ReturnType<typeof pruneChain>> =>
  pruneChain({
    target,
    inspector: new MemoryInspector(target),
    transfer: {
      verify: async () => {
        await meanwhile();
        return { result: 'equal', leavesChecked: 3 };
      },
    },
  })({ full: flat.name, isDry: false }, calm);

const liveIn = async (target: MemoryFolder): Promise<readonly string[]> => (await readLinks(target, calm)).links.map(({ name }) => name);

describe('pruning a chain', () => {
  test('takes its links away, brings them back, and removes their files', async () => {
    const target = await folderOf(full, first, flat);
    await prune(target);
    expect(await liveIn(target)).toEqual([flat.name]);
    expect(await restoreChain(target, calm)).toHaveLength(2);
    expect(await liveIn(target)).toHaveLength(3);
    await prune(target);
    expect(await deleteRetired(target, calm)).toEqual([first.name, full.name]);
    expect(target.find('/exports/web-01/disk-0.qcow2')).toBeUndefined();
  });

  test('leaves what an increment came to lie on while the full export was read', async () => {
    const target = await folderOf(full, first, flat);
    const { retire, keep } = await prune(target, () => add(target, late));
    expect([retire, keep.map(({ link }) => link.name)]).toEqual([[], [first.name, full.name]]);
    expect(await liveIn(target)).toHaveLength(4);
  });

  test('takes nothing away when the full export was replaced while it was read', async () => {
    const target = await folderOf(full, first, flat);
    const replaced = prune(target, async () => {
      await target.delete(`${flat.name}/export-manifest.json`, calm);
    });
    await expect(replaced).rejects.toMatchObject({ code: 'source/not-found' });
    expect(await liveIn(target)).toHaveLength(2);
  });

  test('is undone without touching a newer export that took the place of a pruned one', async () => {
    const target = await folderOf(full, first, flat);
    await prune(target);
    await target.delete('web-01/disk-0.qcow2', calm);
    const newer = linkCalled('web-01', { minute: 9, manifest: { exportId: 'newer' } });
    await add(target, newer);
    await restoreChain(target, calm);
    const { links, retired } = await readLinks(target, calm);
    expect([links.find(({ name }) => name === 'web-01')?.manifest.exportId, retired]).toEqual(['newer', []]);
  });

  test('is refused where an export cannot be read that may lie on anything', async () => {
    const target = await folderOf(full, first, flat);
    await target.put('web-02/export-manifest.json', Buffer.from('{}'), { ...calm, ifAbsent: true });
    await expect(prune(target)).rejects.toMatchObject({ code: 'manifest/malformed', message: expect.stringContaining('web-02') });
    expect(await liveIn(target)).toHaveLength(3);
  });
});

describe('deleting what was pruned', () => {
  test('is refused while another export lies on it, and removes nothing', async () => {
    const target = await folderOf(full, first, flat);
    await prune(target);
    await add(target, late);
    await expect(deleteRetired(target, calm)).rejects.toMatchObject({ code: 'chain/in-use', message: expect.stringContaining(late.name) });
    expect(target.find('/exports/web-01.0001/disk-0.qcow2')).toBeDefined();
    await restoreChain(target, calm);
    expect(await liveIn(target)).toHaveLength(4);
  });

  test('leaves an export that is part of its chain again, for its restoring was killed', async () => {
    const target = await folderOf(full, first, flat);
    const manifest = await target.get('web-01/export-manifest.json', calm);
    await target.put(retiredName('web-01'), manifest, { ...calm, ifAbsent: true });
    expect(await deleteRetired(target, calm)).toEqual([]);
    expect(await liveIn(target)).toContain('web-01');
  });

  test('is refused where an export cannot be read that may lie on anything', async () => {
    const target = await folderOf(full, first, flat);
    await prune(target);
    await target.put('web-02/export-manifest.json', Buffer.from('{}'), { ...calm, ifAbsent: true });
    await expect(deleteRetired(target, calm)).rejects.toMatchObject({ code: 'manifest/malformed' });
    expect(target.find('/exports/web-01/disk-0.qcow2')).toBeDefined();
  });
});
