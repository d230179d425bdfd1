// Test only: an export whose whole world lies in memory.
import { toVMId } from '@hypersdk/domain';
import type { ProviderSession } from '@hypersdk/ports';
import { FakeClock, MemorySigner, MemoryTransfer, SequentialIds, type MemoryFolder } from '@hypersdk/testkit';
import type { ExportRequest } from './export-types.ts';

export const portsIn = (target: MemoryFolder) => ({
  transfer: new MemoryTransfer(target),
  signer: new MemorySigner(),
  clock: new FakeClock(),
  ids: new SequentialIds(),
  target,
  tool: { name: 'hyperexport', version: '1.2.3' },
});

/** An export of web-01, one disk at a time, as raw images that are read back in full. */
export const requestFor = (session: ProviderSession, changes: Partial<ExportRequest> = {}): ExportRequest => ({
  session,
  vm: toVMId('vm:web-01'),
  name: 'web-01',
  settings: { format: 'raw' },
  verifyPercent: 100,
  overwrite: false,
  restart: false,
  parallel: 1,
  ...changes,
});
