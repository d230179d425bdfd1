import { GIB, toDiskId, type DiskInfo } from '@hypersdk/domain';

/** A disk with plausible values, apart from those given. */
export const buildDisk = (given: Partial<DiskInfo> = {}): DiskInfo => ({
  id: toDiskId('vda'),
  label: 'system',
  virtualSize: 10 * GIB,
  format: 'qcow2',
  location: '/images/web-01.qcow2',
  ...given,
});
