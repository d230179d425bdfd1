import { GIB, type BootRecord, type GuestLook } from '@hypersdk/domain';
import type { BootMachine, BootReadiness, ImageInspector } from '@hypersdk/ports';
import {
  calm,
  expectRefusal,
  FakeClock,
  MemoryBootProver,
  MemoryFolder,
  MemoryInspector,
  memoryScreen,
  mutate,
  type GuestScript,
} from '@hypersdk/testkit';
import { expect, test } from 'vitest';
import { proveBoot, type ProveBootRequest } from './prove-boot.ts';

const DISK = '/exports/web-01/disk-0.raw';
const request: ProveBootRequest = { name: 'web-01/disk-0', disks: [{ path: DISK, format: 'raw' }], timeLimitMs: 60_000, expect: [] };

function stage(script: GuestScript, readiness?: BootReadiness, firmwares: GuestLook['firmwares'] = []) {
  const folder = new MemoryFolder();
  folder.write(DISK, new Uint8Array(4096).fill(1));
  const machines: BootMachine[] = [];
  const watched: GuestScript = (machine) => {
    machines.push(machine);
    return script(machine);
  };
  const prover = new MemoryBootProver(folder, { script: watched, ...(readiness === undefined ? {} : { readiness }) });
  const tool = { name: 'test', version: '1' };
  const plain = new MemoryInspector(folder);
  const inspector = mutate<ImageInspector>(plain, { look: async (image, o) => ({ ...(await plain.look(image, o)), firmwares }) });
  const prove = proveBoot({ prover, inspector, clock: new FakeClock(), evidence: folder, tool });
  const read = async (name: string): Promise<string> => new TextDecoder().decode(await folder.get(name, calm));
  return { folder, machines, prover, prove, read };
}

const blank = { says: '', text: ['No bootable device.'] };
const login = { says: 'web-01 login: ', screen: memoryScreen('login'), bytesRead: 1024 };

test('a guest that is up has booted, and record, log and picture are kept beside the image', async () => {
  const { prove, read, prover } = stage(() => [{ says: 'Linux\n' }, login]);
  const { record, files } = await prove(request, calm);
  expect(record.verdict).toEqual({ kind: 'booted', sign: 'web-01 login:' });
  expect(record.disks).toEqual([{ file: 'disk-0.raw', format: 'raw', virtualSize: 4096 }]);
  expect(files).toEqual(['web-01/disk-0.boot.json', 'web-01/disk-0.boot.log', 'web-01/disk-0.boot.png']);
  expect(await read('web-01/disk-0.boot.log')).toBe('Linux\nweb-01 login: ');
  const kept = JSON.parse(await read('web-01/disk-0.boot.json')) as BootRecord;
  expect(kept).toMatchObject({ kind: 'hypersdk.boot-record', serialLog: 'disk-0.boot.log', screenshot: 'disk-0.boot.png' });
  expect(prover.running).toBe(0);
});

test('where the firmware is not known both are tried, and the one that boots counts', async () => {
  const { prove, machines } = stage(({ firmware }) => [firmware === 'uefi' ? login : blank]);
  const { record } = await prove(request, calm);
  expect(machines.map(({ firmware }) => firmware)).toEqual(['bios', 'uefi']);
  expect(record.verdict.kind).toBe('booted');
  expect(record.attempts).toHaveLength(2);
});

test('the firmware for which the disk carries boot code comes first, and the other is still tried', async () => {
  const { prove, machines } = stage(() => [blank], undefined, ['uefi']);
  await prove(request, calm);
  expect(machines.map(({ firmware }) => firmware)).toEqual(['uefi', 'bios']);
  const both = stage(() => [login], undefined, ['bios', 'uefi']);
  await both.prove(request, calm);
  expect(both.machines.map(({ firmware }) => firmware)).toEqual(['bios']);
});

test('a firmware that is known is not exchanged for another', async () => {
  const { prove, machines } = stage(() => [blank]);
  const { record } = await prove({ ...request, firmware: 'bios' }, calm);
  expect(machines).toHaveLength(1);
  expect(record.verdict).toMatchObject({ kind: 'failed', reason: 'no-boot-device' });
});

test('a guest that does not find its root is tried on other controllers, unless one was named', async () => {
  const script: GuestScript = ({ controller }) => [controller === 'scsi' ? login : { says: '(initramfs) ' }];
  const free = stage(script);
  expect((await free.prove({ ...request, firmware: 'bios' }, calm)).record.verdict.kind).toBe('booted');
  expect(free.machines.map(({ controller }) => controller)).toEqual(['sata', 'virtio', 'scsi']);
  const named = stage(script);
  expect((await named.prove({ ...request, controller: 'virtio' }, calm)).record.verdict).toMatchObject({ kind: 'failed', reason: 'emergency-shell' });
  expect(named.machines.map(({ controller }) => controller)).toEqual(['virtio']);
});

test('a guest that hangs on hardware virtualisation is started again under emulation', async () => {
  const ready: BootReadiness = { ready: true, program: 'q', version: '1', accelerator: 'kvm', firmwares: ['bios'], sandbox: 'none' };
  const { prove, machines } = stage(({ accelerator }) => [accelerator === 'tcg' ? login : {}], ready);
  expect((await prove({ ...request, firmware: 'bios' }, calm)).record.verdict.kind).toBe('booted');
  expect(machines.map(({ accelerator }) => accelerator)).toEqual(['kvm', 'tcg']);
});

test('when the time is over it is unclear, and nothing runs on', async () => {
  const { prove, prover } = stage(() => [{ says: 'Linux\n', bytesRead: 1 }]);
  const { record } = await prove({ ...request, timeLimitMs: 5000 }, calm);
  expect(record.verdict).toMatchObject({ kind: 'unclear' });
  expect(record.attempts[0]?.elapsedMs).toBe(5000);
  expect(prover.running).toBe(0);
});

test('what cannot be started is skipped with the reason, and nothing of an older proof stays', async () => {
  const { prove, folder, machines } = stage(() => [login], { ready: false, reason: 'QEMU is not installed.' });
  folder.write('/exports/web-01/disk-0.boot.png', new Uint8Array(8));
  const { record, files } = await prove(request, calm);
  expect(record.verdict).toEqual({ kind: 'skipped', reason: 'QEMU is not installed.' });
  expect(files).toEqual(['web-01/disk-0.boot.json']);
  expect(folder.find('/exports/web-01/disk-0.boot.png')).toBeUndefined();
  expect(machines).toEqual([]);
});

test('a firmware that is not here is a reason to skip', async () => {
  const { prove } = stage(() => [login], { ready: true, program: 'q', version: '1', accelerator: 'tcg', firmwares: ['bios'], sandbox: 'none' });
  expect((await prove({ ...request, firmware: 'uefi' }, calm)).record.verdict).toMatchObject({ kind: 'skipped' });
});

test('memory and processors are those of the VM within what a proof needs', async () => {
  const { prove, machines } = stage(() => [login]);
  await prove({ ...request, memory: 512 * GIB, cpus: 96 }, calm);
  expect(machines[0]).toMatchObject({ memory: 4 * GIB, cpus: 2 });
});

test('a missing image is an error, and so is a wish to stop', async () => {
  const { prove } = stage(() => [login]);
  await expectRefusal(prove({ ...request, disks: [{ path: '/absent.raw' }] }, calm), 'source/not-found');
  const stop = new AbortController();
  const outcome = prove(request, { signal: stop.signal, onAttempt: () => stop.abort(new Error('called off')) });
  await expect(outcome).rejects.toThrow('called off');
});
