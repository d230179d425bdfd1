// Test only: what a receipt says.
import type { ReceiptBody } from '@hypersdk/domain';

export const receiptBody: ReceiptBody = {
  kind: 'hypersdk.receipt',
  version: 1,
  tool: { name: 'hyperexport', version: '0.1.0' },
  source: { provider: 'files', connection: 'local', vm: 'web', disk: 'd', mark: 'm', consistency: 'crash' },
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:01:00.000Z',
  content: { algorithm: 'sha256', leafSize: 4 * 1024 * 1024, virtualSize: 1000, root: 'a'.repeat(64) },
  container: { file: 'disk-0.qcow2', format: 'qcow2', size: 10, digest: 'b'.repeat(64) },
  verification: { mode: 'full', percent: 100, leavesChecked: 1, result: 'equal' },
};
