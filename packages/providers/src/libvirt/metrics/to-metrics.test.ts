import { expect, test } from 'vitest';
import type { TypedParam } from '../rpc/typed-param.ts';
import { toMetrics } from './to-metrics.ts';

const domain = { name: 'web-01', uuid: '4dea22b3-1d52-d8f3-2516-782e98ab3fa0', id: 3 };
const moment = { hasSavedMemory: false, takenAtMs: 17 };

/** As libvirt sends them: numbers of kinds are `int` or `uint`, all that counts is 64 bits wide. */
const measure = (figures: Readonly<Record<string, TypedParam['value']>>, of = moment) =>
  toMetrics({ domain, params: Object.entries(figures).map(([field, value]) => ({ field, value })) }, of);

test('everything that a running domain says of itself is told in bytes and nanoseconds', () => {
  const disk = { 'rd.reqs': 3n, 'rd.bytes': 1536n, 'rd.times': 9n, 'wr.reqs': 1n, 'wr.bytes': 512n, 'wr.times': 8n, 'fl.reqs': 2n, 'fl.times': 7n };
  const sizes = { capacity: 2n ** 36n, allocation: 65_536n, physical: 200_704n };
  const nic = { 'rx.bytes': 10n, 'rx.pkts': 1n, 'rx.errs': 0n, 'rx.drop': 4n, 'tx.bytes': 20n, 'tx.pkts': 2n, 'tx.errs': 5n, 'tx.drop': 0n };
  const under = (prefix: string, all: Readonly<Record<string, bigint>>) =>
    Object.fromEntries(Object.entries(all).map(([name, value]) => [`${prefix}.${name}`, value]));
  expect(
    measure({
      'state.state': 1,
      'cpu.time': 2n ** 60n,
      'cpu.user': 5n,
      'cpu.system': 6n,
      'balloon.current': 1024n,
      'balloon.maximum': 2048n,
      'balloon.rss': 512n,
      'balloon.swap_in': 2n,
      'balloon.unused': 100n,
      'vcpu.current': 2,
      'vcpu.maximum': 4,
      'vcpu.0.state': 1,
      'vcpu.0.time': 11n,
      'vcpu.0.wait': 0n,
      'vcpu.0.delay': 3n,
      'vcpu.3.state': 2,
      'block.count': 1,
      'block.0.name': 'vda',
      ...under('block.0', disk),
      ...under('block.0', sizes),
      'net.count': 2,
      'net.1.name': 'vnet7',
      ...under('net.1', nic),
    }),
  ).toEqual({
    vm: domain.uuid,
    takenAtMs: 17,
    powerState: 'running',
    cpu: { timeNsTotal: 2n ** 60n, userTimeNsTotal: 5n, systemTimeNsTotal: 6n },
    vcpus: [
      { index: 0, state: 'running', timeNsTotal: 11n, waitNsTotal: 0n, delayNsTotal: 3n },
      { index: 3, state: 'blocked' },
    ],
    memory: { maximumSize: 2 ** 21, balloonSize: 2 ** 20, residentSize: 2 ** 19, unusedSize: 102_400, swappedInBytesTotal: 2048n },
    disks: [
      {
        disk: 'vda',
        read: { bytesTotal: 1536n, requestsTotal: 3n, timeNsTotal: 9n },
        written: { bytesTotal: 512n, requestsTotal: 1n, timeNsTotal: 8n },
        flushesTotal: 2n,
        flushTimeNsTotal: 7n,
        virtualSize: 2 ** 36,
        allocatedSize: 65_536,
        fileSize: 200_704,
      },
    ],
    nics: [
      {
        nic: 'nic1',
        hostDevice: 'vnet7',
        received: { bytesTotal: 10n, packetsTotal: 1n, errorsTotal: 0n, droppedTotal: 4n },
        sent: { bytesTotal: 20n, packetsTotal: 2n, errorsTotal: 5n, droppedTotal: 0n },
      },
    ],
  });
});

test('what libvirt finds of processors where a stopped domain was counted is not told', () => {
  const figures = { 'state.state': 5, 'cpu.time': 180_000_000n, 'vcpu.maximum': 1, 'vcpu.0.state': 0, 'balloon.maximum': 1024n };
  expect(measure(figures)).toMatchObject({ powerState: 'stopped', vcpus: [], nics: [], memory: { maximumSize: 2 ** 20 } });
  expect(measure(figures).cpu).toBeUndefined();
  expect(measure(figures, { ...moment, hasSavedMemory: true }).powerState).toBe('suspended');
});

test('a domain that is busy tells only its state', () => {
  expect(measure({ 'state.state': 3 })).toEqual({ vm: domain.uuid, takenAtMs: 17, powerState: 'suspended', vcpus: [], disks: [], nics: [] });
});

test('what a hostile server counts is bounded, and what is no number is not told', () => {
  const lies = measure({
    'state.state': 99,
    'cpu.time': -1n,
    'balloon.maximum': 2n ** 63n,
    'vcpu.maximum': 0xffff_ffff,
    'vcpu.9.state': 77,
    'block.count': 4_000_000_000,
    'block.0.name': 'a\u001B[31m\nb',
    'block.0.capacity': 2n ** 63n,
    'block.0.rd.bytes': 'many',
    'net.count': -3,
    'net.0.name': 'vnet0',
  });
  expect(lies).toEqual({
    vm: domain.uuid,
    takenAtMs: 17,
    powerState: 'unknown',
    vcpus: [{ index: 9, state: 'unknown' }],
    disks: [{ disk: 'a [31m b' }],
    nics: [],
  });
});
