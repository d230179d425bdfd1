import type { Restore, RestoreRequest } from '@hypersdk/ports';
import { calm, expectRefusal, MemoryFolder, MemoryInspector, MemorySigner, StagedVM } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { portsIn, requestFor } from '../export/build-export.ts';
import { exportVM } from '../export/export-vm.ts';
import { planRestore, restoreExport } from './restore-export.ts';

const contents = [new Uint8Array(5000).fill(7), new Uint8Array(4096).fill(9)];
const wish = { manifest: 'web-01/export-manifest.json', identity: 'new', start: false } as const;

/** A folder with one export in it, and a platform that writes down what it is asked to make. */
async function stage() {
  const target = new MemoryFolder();
  const exporting = portsIn(target);
  const { manifest } = await exportVM(exporting)(requestFor(new StagedVM(target, contents)), calm);
  const asked: RestoreRequest[] = [];
  const restore: Restore = {
    plan: async (request) => {
      asked.push(request);
      return { pool: 'default', bytesNeeded: 1, warnings: ['It gets none.'] };
    },
    run: async (request) => {
      asked.push(request);
      return { vm: request.vm, warnings: [] };
    },
  };
  return { target, exporting, manifest, asked, restore, ports: { target, inspector: new MemoryInspector(target) } };
}

describe('restoring an export', () => {
  test('the platform is asked for what the manifest says, with the roots that have to be found', async () => {
    const { manifest, asked, restore, ports } = await stage();
    const outcome = await restoreExport(ports)({ ...wish, restore, name: 'copy', pool: 'vms', network: 'none' }, calm);
    expect(outcome).toMatchObject({ name: 'copy', manifest: { exportId: manifest.exportId } });
    expect(asked).toMatchObject([{ vm: manifest.vm, name: 'copy', pool: 'vms', network: 'none', identity: 'new', start: false }]);
    expect(asked[0]?.disks.map(({ content }) => content)).toEqual(manifest.disks.map(({ content }) => content));
    expect(asked[0]?.disks.map(({ source }) => source.kind === 'image' && source.image.path)).toEqual([
      '/exports/web-01/disk-0.raw',
      '/exports/web-01/disk-1.raw',
    ]);
  });

  test('a plan tells the warnings of both, and the name that it had', async () => {
    const { restore, ports, manifest } = await stage();
    expect(await planRestore(ports)({ ...wish, restore }, calm)).toMatchObject({ name: manifest.vm.name, warnings: ['It gets none.'] });
  });

  test('receipts have to hold where a key is given', async () => {
    const { exporting, restore, ports, asked } = await stage();
    await restoreExport(ports)({ ...wish, restore, publicKey: exporting.signer.publicKey }, calm);
    const stranger = new MemorySigner();
    await expectRefusal(restoreExport(ports)({ ...wish, restore, publicKey: stranger.publicKey }, calm), 'receipt/untrusted');
    expect(asked).toHaveLength(1);
  });

  test('an export without a manifest is none', async () => {
    const { restore, ports } = await stage();
    await expectRefusal(restoreExport(ports)({ ...wish, restore, manifest: 'web-02/export-manifest.json' }, calm), 'source/not-found');
  });
});
