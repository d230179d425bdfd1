// Test only: exports of one disk as their manifests tell of them.
import { LEAF_SIZE, toConnectionId, toDiskId, toVMId, type ExportedDisk, type ExportManifest, type VMInfo } from '@hypersdk/domain';
import { manifestOf } from '../manifest/build-export-manifest.ts';
import type { ChainLink } from './chain-link.ts';

export const SIZE = 3 * LEAF_SIZE;

export const vmCalled = (id: string): VMInfo => ({
  id: toVMId(id),
  name: 'web-01',
  provider: 'files',
  connection: toConnectionId('/vms'),
  powerState: 'stopped',
  firmware: 'bios',
  disks: [{ id: toDiskId('vda'), label: 'vda', virtualSize: SIZE, location: '/vms/vda.raw' }],
  nics: [],
  tags: {},
});

const digest = (text: string): string => Buffer.from(text.padEnd(32, '.')).subarray(0, 32).toString('hex');

/** An export called `name`, finished at that minute, upon another one when there is a parent. */
export function linkCalled(
  name: string,
  o: { readonly minute: number; readonly parent?: ChainLink; readonly disk?: Partial<ExportedDisk>; readonly manifest?: Partial<ExportManifest> },
): ChainLink {
  const below = o.parent?.manifest.disks[0];
  const disk: ExportedDisk = {
    id: 'vda',
    label: 'vda',
    file: 'disk-0.qcow2',
    leaves: 'disk-0.qcow2.leaves',
    format: 'qcow2',
    fileSize: 1000,
    containerDigest: digest(`file of ${name}`),
    content: { algorithm: 'sha256', leafSize: LEAF_SIZE, virtualSize: SIZE, root: digest(`root of ${name}`) },
    source: { location: '/vms/vda.raw', mark: `mark of ${name}` },
    ...(o.parent && below
      ? {
          parent: {
            exportId: o.parent.manifest.exportId,
            export: o.parent.name,
            file: below.file,
            root: below.content.root,
            containerDigest: below.containerDigest,
          },
        }
      : {}),
    ...o.disk,
  };
  const manifest = {
    ...manifestOf({ vm: vmCalled('web-01'), disks: [disk], receipts: ['disk-0.qcow2.receipt.json'] }),
    exportId: `id of ${name}`,
    finishedAt: `2026-01-01T00:${String(o.minute).padStart(2, '0')}:00.000Z`,
    mode: disk.parent ? ('incremental' as const) : ('full' as const),
    ...o.manifest,
    selfDigest: digest(name),
  };
  return { name, manifest };
}
