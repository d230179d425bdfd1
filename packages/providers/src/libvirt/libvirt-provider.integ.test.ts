import { execFileSync } from 'node:child_process';
import { toVMId, type VMInfo } from '@hypersdk/domain';
import { type ArrangeProvider, calm, missing, providerContract } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe } from 'vitest';
import { defineGuest } from './build-guest.ts';
import { type Libvirtd, openLibvirtd } from './build-libvirtd.ts';
import { defineConsoleGuests, screenPorts } from './console/build-console-guests.ts';
import { libvirtProvider } from './libvirt-provider.ts';
import { makePool } from './restore/build-pool.ts';

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io'))('a libvirt daemon with QEMU', () => {
  let daemon: Libvirtd | undefined;
  let count = 0;

  beforeAll(async () => {
    daemon = await openLibvirtd({ qemuConfig: screenPorts() });
    await makePool(daemon, 'checked');
  });
  afterAll(() => daemon?.[Symbol.asyncDispose]());

  /** One daemon for all checks, and guests of its own for each. */
  const arrange: ArrangeProvider = async () => {
    if (!daemon) throw new Error('The daemon does not run.');
    const running = daemon;
    const { virsh, uri } = running;
    const names = ['obedient', 'deaf'].map((kind) => `${kind}-${(count += 1)}`);
    const [obedient = '', deaf = ''] = names;
    const ids = [
      await defineGuest(daemon, { name: obedient, kind: 'obedient', disks: ['vda', 'vdb'] }),
      await defineGuest(daemon, { name: deaf, kind: 'deaf' }),
    ].map(toVMId);
    const config = libvirtProvider.parse({ uri });
    return {
      open: () => libvirtProvider.open(config, calm),
      pool: 'checked',
      absent: toVMId('00000000-0000-4000-8000-000000000000'),
      writeToDisk: async (vm: VMInfo) => {
        execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -q -P ${(count += 1) % 256} 1M 4k`, vm.disks[0]?.location ?? '']);
      },
      contentOf: async (vm: VMInfo) =>
        execFileSync('qemu-io', ['-r', '-f', 'qcow2', '-c', 'read -v 1M 64', vm.disks[0]?.location ?? ''], { encoding: 'utf8' })
          .split('\n')
          .filter((line) => /^[0-9a-f]{8}:/.test(line))
          .join('\n'),
      power: { obedient: ids[0] ?? toVMId(''), deaf: ids[1] ?? toVMId('') },
      consoles: async () => {
        const guests = await defineConsoleGuests(running, String((count += 1)));
        names.push(...guests.names);
        return guests.subject;
      },
      [Symbol.asyncDispose]: async () => {
        for (const name of names) {
          if (virsh('domstate', name).trim() !== 'shut off') virsh('destroy', name);
          virsh('undefine', name, '--snapshots-metadata');
        }
      },
    };
  };

  providerContract(arrange, ['inventory', 'events', 'networks', 'storagePools', 'volumes', 'power', 'snapshots', 'console', 'metrics']);
});
