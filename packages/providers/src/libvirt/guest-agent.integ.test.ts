import { toVMId } from '@hypersdk/domain';
import type { ProviderSession } from '@hypersdk/ports';
import { calm, missing } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { defineAgentGuest, hasAgentParts } from './build-agent-guest.ts';
import { openLibvirtd } from './build-libvirtd.ts';
import { libvirtProvider } from './libvirt-provider.ts';

const TIMEOUT_MS = 180_000;
/** Linux without acceleration, on a machine that is busy. */
const BOOT_MS = 120_000;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-ga', 'cpio') || !hasAgentParts())(
  'a guest with an agent',
  () => {
    test(
      'is seen to have one as soon as it answers, and writes out what it holds before a snapshot',
      async () => {
        await using daemon = await openLibvirtd();
        const id = toVMId(await defineAgentGuest(daemon, 'linux'));
        await using session: ProviderSession = await libvirtProvider.open(libvirtProvider.parse({ uri: daemon.uri }), calm);
        const { inventory } = session.facets;
        const agentListed = async () => (await Array.fromAsync(inventory.list(calm))).find((vm) => vm.id === id)?.guestAgent;
        expect(await agentListed()).toBeUndefined();
        await session.facets.power?.start(id, calm);
        // From events alone: a list asks only about those that the server told of.
        await expect.poll(agentListed, { timeout: BOOT_MS, interval: 500 }).toBe('connected');

        const request = { name: 'quiet', placement: 'external', quiesce: 'required' } as const;
        expect(await session.facets.snapshots?.create(id, request, calm)).toMatchObject({ isQuiesced: true, snapshot: { name: 'quiet' } });
        expect((await inventory.get(id, calm)).powerState).toBe('running');
        await session.facets.power?.powerOff(id, calm);
      },
      TIMEOUT_MS,
    );
  },
);
