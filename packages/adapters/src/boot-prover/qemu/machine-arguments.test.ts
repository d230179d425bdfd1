import { MIB } from '@hypersdk/domain';
import type { BootMachine } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import { toArguments } from './machine-arguments.ts';

const machineWith = (count: number, more: Partial<BootMachine> = {}): BootMachine => ({
  disks: Array.from({ length: count }, (_, at) => ({ path: `/x/${at}.raw`, format: 'raw', beside: [] })),
  firmware: 'bios',
  controller: 'sata',
  accelerator: 'tcg',
  memory: 512 * MIB,
  cpus: 2,
  ...more,
});
const lineOf = (machine: BootMachine, images = machine.disks.map((_, at) => `/images/${at}/disk`)): string =>
  toArguments(machine, { sandbox: { scratch: '/scratch', images } }).join(' ');

describe('a machine', () => {
  test('has no network, no defaults, a filter, and waits for whoever watches', () => {
    const line = lineOf(machineWith(1));
    for (const part of ['-nic none', '-nodefaults', '-no-user-config', '-sandbox on,', '-S', '-m 512', '-smp 2', '-accel tcg'])
      expect(line).toContain(part);
  });

  test('opens images in their own format only, for reading, under an overlay', () => {
    const [disk] = machineWith(1, { disks: [{ path: '/x/a.qcow2', format: 'qcow2', beside: [] }] }).disks;
    const line = lineOf(machineWith(1, { disks: disk ? [disk] : [] }));
    expect(line).toContain('snapshot=on,file=json:{"driver":"qcow2",,"backing":null,,"read-only":true,,');
  });

  test('takes a comma in a name for a part of the name', () => {
    expect(lineOf(machineWith(1), ['/images/0/a,b=c'])).toContain('"/images/0/a,,b=c"');
  });

  test('gives each disk a place of its own, in boot order', () => {
    const line = lineOf(machineWith(8));
    expect(line).toContain('ide-hd,bus=ide.0,drive=disk0,bootindex=1');
    expect(line).toContain('-device ich9-ahci,id=ahci1');
    expect(line).toContain('ide-hd,bus=ahci1.1,drive=disk7,bootindex=8');
    expect(lineOf(machineWith(3, { controller: 'ide' }))).toContain('ide-hd,bus=ide.1,unit=0,drive=disk2');
    expect(lineOf(machineWith(2, { controller: 'pvscsi' })).match(/-device pvscsi/g)).toHaveLength(1);
  });

  test('reads a disk that is served at its socket, and nothing else of the network', () => {
    const line = lineOf(machineWith(1, { disks: [{ path: '/x/disk', format: 'raw', beside: [], isServed: true }] }));
    expect(line).toContain('"file":{"driver":"nbd",,"server":{"type":"unix",,"path":"/images/0/disk"}}');
    expect(line).toContain('-nic none');
  });

  test('refuses more disks than its controller has places for', () => {
    expect(() => lineOf(machineWith(5, { controller: 'ide' }))).toThrow('no room for disk 5');
    expect(() => lineOf(machineWith(17))).toThrow('no room for disk 17');
  });
});
