import { toDiskId, type DiskInfo } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { planDisks } from './plan-disks.ts';

const disk = (id: string, more: Partial<DiskInfo> = {}): DiskInfo => ({ id: toDiskId(id), label: id, virtualSize: 1, location: '', ...more });

test('names that fit their bus are kept, others are the next that are free', () => {
  const disks = [
    disk('scsi0:0', { bus: 'sata' }),
    disk('sda', { bus: 'virtio-scsi' }),
    disk('vdb', { bus: 'virtio' }),
    disk('web.raw', { bus: 'virtio' }),
  ];
  expect(planDisks(disks).map(({ target }) => target)).toEqual(['sdb', 'sda', 'vdb', 'vda']);
});

test('a disk whose bus is not known or not to be had hangs on SATA', () => {
  expect(planDisks([disk('vda'), disk('nvme0n1', { bus: 'nvme' })])).toEqual([
    { target: 'sda', bus: 'sata', bootOrder: 1 },
    { target: 'sdb', bus: 'sata' },
  ]);
});

test('the order in which disks are started from is kept, without gaps', () => {
  const disks = [disk('vda', { bus: 'virtio', bootOrder: 7 }), disk('vdb', { bus: 'virtio' }), disk('vdc', { bus: 'virtio', bootOrder: 3 })];
  expect(planDisks(disks).map(({ bootOrder }) => bootOrder)).toEqual([2, undefined, 1]);
});

test('there are names for as many disks as anybody has', () => {
  const targets = planDisks(Array.from({ length: 800 }, (_, index) => disk(`disk-${index}`))).map(({ target }) => target);
  expect(new Set(targets).size).toBe(800);
  expect([targets[25], targets[26], targets[702]]).toEqual(['sdz', 'sdaa', 'sdaaa']);
});
