// Test only: what every manifest in the tests has in common.
import type { ExportManifest } from '@hypersdk/domain';

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
