import { calm, MemoryFolder } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { sealExportManifest, writeDocument } from '../manifest/export-manifest.ts';
import { linkCalled } from './build-links.ts';
import type { ChainLink } from './chain-link.ts';
import { findChain } from './find-chain.ts';

const file = 'disk-0.qcow2';
const full = linkCalled('web-01', { minute: 1 });
const monday = linkCalled('web-01.0001', { minute: 2, parent: full });
const tuesday = linkCalled('web-01.0002', { minute: 3, parent: monday });

async function folderOf(...links: readonly ChainLink[]): Promise<MemoryFolder> {
  const target = new MemoryFolder('/backup');
  for (const { name, manifest } of links) {
    const { selfDigest: _, ...unsealed } = manifest;
    await target.put(`${name}/${file}`, new Uint8Array(1000), { ...calm, ifAbsent: true });
    await target.put(`${name}/export-manifest.json`, writeDocument(sealExportManifest(unsealed)), { ...calm, ifAbsent: true });
  }
  return target;
}

describe('the chain of a file', () => {
  test('is found through the manifests, the full one first, and nothing else may be opened', async () => {
    const target = await folderOf(full, monday, tuesday);
    expect(await findChain(target, { name: tuesday.name, file }, calm)).toEqual({
      references: { listed: [`/backup/web-01/${file}`, `/backup/web-01.0001/${file}`] },
    });
  });

  test('is none of a full export, of a file that the manifest does not name, and where there is no manifest', async () => {
    const target = await folderOf(full, monday);
    for (const subject of [
      { name: full.name, file },
      { name: monday.name, file: 'other.qcow2' },
      { name: 'nowhere', file },
    ])
      expect(await findChain(target, subject, calm)).toBeUndefined();
  });

  test.each([
    ['a link that is not there', [full, tuesday], 'lies on web-01.0001, which is not there'],
    ['another export in its place', [linkCalled('web-01', { minute: 1, manifest: { exportId: 'x' } }), monday], 'lies on another export than web-01'],
    ['another disk', [linkCalled('web-01', { minute: 1, disk: { containerDigest: 'ab'.repeat(32) } }), monday], 'lies on another disk-0.qcow2'],
    ['a file of another size', [linkCalled('web-01', { minute: 1, disk: { fileSize: 999 } }), monday], 'has 1000 bytes, and 999 were recorded'],
  ] as const)('with %s is refused with the reason', async (_, links, why) => {
    const head = links[1];
    const found = findChain(await folderOf(...links), { name: head.name, file }, calm);
    await expect(found).rejects.toMatchObject({ code: 'image/refused-reference', message: expect.stringContaining(why) });
  });
});
