// Test only: what every manifest in the tests has in common.
import { toConnectionId, toDiskId, toVMId, type ExportManifest, type VMInfo } from '@hypersdk/domain';

export const manifestOf = (parts: Pick<ExportManifest, 'vm' | 'disks' | 'receipts'>): Omit<ExportManifest, 'selfDigest'> => ({
  kind: 'hypersdk.export-manifest',
  version: 1,
  exportId: '01JGFJJZ000000000000000001',
  tool: { name: 'hyperexport', version: '0.1.0' },
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:01:00.000Z',
  mode: 'full',
  consistency: 'crash',
  ...parts,
});

/** A VM of which everything is known that an artifact manifest tells. */
export const exportedVM: VMInfo = {
  id: toVMId('vm-1'),
  name: 'Büro / web',
  provider: 'files',
  connection: toConnectionId('local'),
  powerState: 'stopped',
  cpus: 4,
  memory: 1.5 * 1024 ** 3,
  os: 'rhel9',
  firmware: 'uefi',
  secureBoot: true,
  disks: [{ id: toDiskId('d'), label: 'Disk', virtualSize: 2 ** 44, location: '/images/web.vmdk', bootOrder: 1 }],
  nics: [{ id: 'net0', mac: '00:50:56:00:00:01' }],
  tags: { owner: 'ops' },
};

/** Its export. */
export const unsealedManifest = manifestOf({
  vm: exportedVM,
  disks: [
    {
      id: 'd',
      label: 'Disk',
      file: 'disk-0.qcow2',
      leaves: 'disk-0.qcow2.leaves',
      format: 'qcow2',
      fileSize: 1000,
      containerDigest: 'a'.repeat(64),
      content: { algorithm: 'sha256', leafSize: 4 * 1024 * 1024, virtualSize: 2 ** 44, root: 'b'.repeat(64) },
      source: { location: '/images/web.vmdk', mark: 'mark' },
    },
  ],
  receipts: ['disk-0.qcow2.receipt.json'],
});
