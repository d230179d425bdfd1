import { GIB, toConnectionId, toVMId, type VMInfo } from '@hypersdk/domain';
import { buildDisk } from './disk-info.ts';

/** A VM with plausible values, apart from those given. */
export const buildVM = (given: Partial<VMInfo> = {}): VMInfo => ({
  id: toVMId('web-01'),
  name: 'web-01',
  provider: 'memory',
  connection: toConnectionId('lab'),
  powerState: 'stopped',
  cpus: 2,
  memory: 4 * GIB,
  firmware: 'uefi',
  disks: [buildDisk()],
  nics: [{ id: 'nic0', mac: '52:54:00:12:34:56', network: 'default' }],
  tags: {},
  ...given,
});
