import { toVMId } from '@hypersdk/domain';
import type { Networks, NetworkWish, ProviderSession } from '@hypersdk/ports';
import { calm, expectRefusal, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest } from '../build-guest.ts';
import { type Libvirtd, openLibvirtd } from '../build-libvirtd.ts';
import { libvirtProvider } from '../libvirt-provider.ts';

const TIMEOUT_MS = 120_000;
const made = (name: string, rest: Partial<Extract<NetworkWish, { readonly addresses: unknown }>> = {}): NetworkWish => ({
  name,
  forward: 'nat',
  start: false,
  autostart: false,
  addresses: [{ address: '10.77.0.1', prefix: 20, dhcp: { first: '10.77.0.10', last: '10.77.15.200' } }],
  ...rest,
});

/** A daemon of an ordinary user may name a bridge that the host has, and make none; that of libvirt's own test driver makes whatever it is asked to. */
describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io'))('networks of a daemon', { timeout: TIMEOUT_MS }, () => {
  let running: Libvirtd | undefined;

  beforeAll(async () => {
    running = await openLibvirtd();
  }, TIMEOUT_MS);
  afterAll(() => running?.[Symbol.asyncDispose]());

  const daemon = (): Libvirtd => running ?? expect.fail('The daemon does not run.');
  async function open(uri = daemon().uri): Promise<{ readonly networks: Networks; readonly session: ProviderSession } & AsyncDisposable> {
    const session: ProviderSession = await libvirtProvider.open(libvirtProvider.parse({ uri }), calm);
    const { networks } = session.facets;
    if (!networks) return expect.fail('The session has no networks.');
    return { networks, session, [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() };
  }
  const openTestDriver = () => open(`test+unix:///default?socket=${daemon().socket}`);

  test('a bridge of the host becomes a network that starts, with the host too, and is taken away again', async () => {
    await using opened = await open();
    const { networks } = opened;
    const { virsh } = daemon();
    const wish: NetworkWish = { name: 'lan & <co>', forward: 'bridge', bridge: 'br-lan', start: true, autostart: true };
    const network = await networks.define(wish, calm);
    expect(network).toEqual({
      name: wish.name,
      isActive: true,
      autostart: true,
      isPersistent: true,
      forward: 'bridge',
      bridge: 'br-lan',
      addresses: [],
      vms: [],
    });
    expect(virsh('net-info', wish.name)).toMatch(/Active: +yes\nPersistent: +yes\nAutostart: +yes\nBridge: +br-lan/);
    expect(await networks.list(calm)).toEqual([network]);
    await expectRefusal(networks.define(wish, calm), 'network/exists');
    await networks.setAutostart(wish.name, { ...calm, autostart: false });
    expect(virsh('net-info', wish.name)).toMatch(/Autostart: +no/);
    await expectRefusal(networks.undefine(wish.name, calm), 'network/wrong-state');
    for (let time = 0; time < 2; time += 1) await networks.stop(wish.name, calm);
    expect(await networks.get(wish.name, calm)).toMatchObject({ isActive: false, autostart: false });
    for (let time = 0; time < 2; time += 1) await networks.start(wish.name, calm);
    await networks.stop(wish.name, calm);
    await networks.undefine(wish.name, calm);
    for (const call of ['get', 'start', 'stop', 'undefine'] as const) await expectRefusal(networks[call](wish.name, calm), 'network/not-found');
    expect(virsh('net-list', '--all')).not.toContain('lan');
  });

  test('a network that cannot be started is not left behind', async () => {
    await using opened = await open();
    await expectRefusal(opened.networks.define(made('half', { start: true, autostart: true, bridge: 'hvtest0' }), calm), 'libvirt/failed');
    expect(daemon().virsh('net-list', '--all')).not.toContain('half');
    expect(await opened.networks.list(calm)).toEqual([]);
  });

  test('a network that a VM hangs on says so, and is not taken away, but may rest while that is off', async () => {
    await using opened = await open();
    const { networks } = opened;
    const { virsh } = daemon();
    await networks.define({ name: 'used', forward: 'bridge', bridge: 'br-used', start: false, autostart: false }, calm);
    const id = toVMId(
      await defineGuest(daemon(), { name: 'user', kind: 'deaf', devices: `<interface type='network'><source network='used'/></interface>` }),
    );
    expect((await networks.get('used', calm)).vms).toEqual([id]);
    const refusal = await expectRefusal(networks.undefine('used', calm), 'network/in-use');
    expect(refusal.message).toContain('user');
    // The guest is off: a network can rest as well.
    await networks.start('used', calm);
    await networks.stop('used', calm);
    virsh('undefine', 'user');
    await networks.undefine('used', calm);
  });

  test('a network is not stopped under a VM that runs', async () => {
    await using opened = await openTestDriver();
    const { networks } = opened;
    // Its one VM, which runs, hangs on its one network.
    const virsh = (...args: readonly string[]) => daemon().virsh('-c', `test+unix:///default?socket=${daemon().socket}`, ...args);
    const refusal = await expectRefusal(networks.stop('default', calm), 'network/in-use');
    expect(refusal.message).toContain('test');
    expect(await networks.get('default', calm)).toMatchObject({ isActive: true });
    virsh('destroy', 'test');
    await networks.stop('default', calm);
    expect(await networks.get('default', calm)).toMatchObject({ isActive: false });
    await networks.start('default', calm);
    virsh('start', 'test');
  });

  test('what is made is what was wished, as virsh reads it', async () => {
    await using opened = await openTestDriver();
    const { networks } = opened;
    const network = await networks.define(
      made('made', { start: true, bridge: 'virbr77', addresses: [...addressesOf(made('x')), { address: 'fd00:77::1', prefix: 64 }] }),
      calm,
    );
    expect(network).toEqual({
      name: 'made',
      isActive: true,
      autostart: false,
      isPersistent: true,
      forward: 'nat',
      bridge: 'virbr77',
      addresses: [
        { address: '10.77.0.1', prefix: 20, dhcp: [{ first: '10.77.0.10', last: '10.77.15.200' }] },
        { address: 'fd00:77::1', prefix: 64, dhcp: [] },
      ],
      vms: [],
    });
    expect(await networks.get('default', calm)).toMatchObject({
      forward: 'nat',
      bridge: 'virbr0',
      isPersistent: true,
      addresses: [{ address: '192.168.122.1', prefix: 24, dhcp: [{ first: '192.168.122.2', last: '192.168.122.254' }] }],
    });
    for (const forward of ['none', 'route'] as const)
      expect(await networks.define(made(forward, { forward }), calm)).toMatchObject({ forward, isActive: false });
    await networks.stop('made', calm);
    await networks.undefine('made', calm);
  });

  test('what makes no sense is refused before and by the server, and leaves nothing', async () => {
    await using opened = await open();
    const { networks } = opened;
    const address = { address: '10.77.0.1', prefix: 24 };
    for (const wish of [
      made('a/b'),
      made(''),
      made('long bridge', { bridge: 'a-bridge-with-a-name-too-long' }),
      made('path', { bridge: '../br0' }),
      made('no address', { addresses: [{ address: '10.77.0', prefix: 24 }] }),
      made('no prefix', { addresses: [{ ...address, prefix: 33 }] }),
      made('mixed', { addresses: [{ ...address, dhcp: { first: 'fd00::1', last: 'fd00::2' } }] }),
      made('outside', { addresses: [{ ...address, dhcp: { first: '10.78.0.1', last: '10.78.0.9' } }] }),
      made('backwards', { addresses: [{ ...address, dhcp: { first: '10.77.0.9', last: '10.77.0.2' } }] }),
    ])
      await expectRefusal(networks.define(wish, calm), 'usage/invalid');
    expect(await networks.list(calm)).toEqual([]);
  });
});

const addressesOf = (wish: NetworkWish) => ('addresses' in wish ? wish.addresses : []);
