import type { NetworkWish, Networks } from '@hypersdk/ports';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm, expectCancelled, expectRefusal } from './expectations.ts';
import type { ArrangeProvider } from './provider-contract.ts';

const bridged = (name: string, o: { readonly start?: boolean; readonly autostart?: boolean } = {}): NetworkWish => ({
  name,
  forward: 'bridge',
  bridge: 'br-check',
  start: o.start ?? false,
  autostart: o.autostart ?? false,
});

/** What every `networks` facet promises. Each check takes away what it made, as the platform may be shared. */
export const networksChecks = (arrange: ArrangeProvider): readonly Check[] => [...courseChecks(arrange), ...refusalChecks(arrange)];

function courseChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a network is there as it was wished, and gone when it was taken away',
      run: () =>
        withNetworks(arrange, async (networks) => {
          const made = await networks.define(bridged('one & <two>', { start: true, autostart: true }), calm);
          expect(made).toEqual({
            name: 'one & <two>',
            isActive: true,
            autostart: true,
            isPersistent: true,
            forward: 'bridge',
            bridge: 'br-check',
            addresses: [],
            vms: [],
          });
          expect(await networks.list(calm)).toContainEqual(made);
          expect(await networks.get(made.name, calm)).toEqual(made);
          await networks.stop(made.name, calm);
          await networks.undefine(made.name, calm);
          expect((await networks.list(calm)).map(({ name }) => name)).not.toContain(made.name);
        }),
    },
    {
      name: 'a network starts and stops, and doing so again changes nothing',
      run: () =>
        withNetwork(arrange, async (networks, name) => {
          for (const [call, isActive] of [
            ['start', true],
            ['start', true],
            ['stop', false],
            ['stop', false],
          ] as const) {
            await networks[call](name, calm);
            expect(await networks.get(name, calm)).toMatchObject({ isActive });
          }
        }),
    },
    {
      name: 'whether a network is started with its host is what it was set to',
      run: () =>
        withNetwork(arrange, async (networks, name) => {
          for (const autostart of [true, true, false]) {
            await networks.setAutostart(name, { ...calm, autostart });
            expect(await networks.get(name, calm)).toMatchObject({ autostart, isActive: false });
          }
        }),
    },
  ];
}

function refusalChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'the name of a network is taken once',
      run: () =>
        withNetwork(arrange, async (networks, name) => {
          await expectRefusal(networks.define({ ...bridged(name), autostart: true }, calm), 'network/exists');
          expect(await networks.get(name, calm)).toMatchObject({ autostart: false });
        }),
    },
    {
      name: 'a network that runs is not taken away',
      run: () =>
        withNetwork(arrange, async (networks, name) => {
          await networks.start(name, calm);
          await expectRefusal(networks.undefine(name, calm), 'network/wrong-state');
          expect(await networks.get(name, calm)).toMatchObject({ isActive: true });
          await networks.stop(name, calm);
        }),
    },
    {
      name: 'a wish that makes no sense is refused, and nothing is made',
      run: () =>
        withNetworks(arrange, async (networks) => {
          const address = { address: '10.99.0.1', prefix: 24 };
          const made = { name: 'senseless', forward: 'none', start: false, autostart: false } as const;
          for (const wish of [
            bridged(''),
            bridged('a/b'),
            { ...bridged('senseless'), bridge: '../br0' } as const,
            { ...made, addresses: [{ ...address, address: 'here' }] },
            { ...made, addresses: [{ ...address, prefix: 99 }] },
          ])
            await expectRefusal(networks.define(wish, calm), 'usage/invalid');
          expect((await networks.list(calm)).map(({ name }) => name)).not.toContain('senseless');
        }),
    },
    {
      name: 'an unknown network is told to be unknown by every call',
      run: () =>
        withNetworks(arrange, async (networks) => {
          for (const call of ['get', 'start', 'stop', 'undefine'] as const) await expectRefusal(networks[call]('no such', calm), 'network/not-found');
          await expectRefusal(networks.setAutostart('no such', { ...calm, autostart: true }), 'network/not-found');
        }),
    },
    {
      name: 'a cancelled call on networks rejects with the reason and changes nothing',
      run: () =>
        withNetwork(arrange, async (networks, name) => {
          await expectCancelled((o) => networks.define(bridged('cancelled'), o));
          for (const call of ['get', 'start', 'stop', 'undefine'] as const) await expectCancelled((o) => networks[call](name, o));
          await expectCancelled((o) => networks.list(o));
          expect(await networks.get(name, calm)).toMatchObject({ isActive: false });
          await expectRefusal(networks.get('cancelled', calm), 'network/not-found');
        }),
    },
  ];
}

async function withNetwork(arrange: ArrangeProvider, check: (networks: Networks, name: string) => Promise<void>): Promise<void> {
  await withNetworks(arrange, async (networks) => {
    const { name } = await networks.define(bridged('checked'), calm);
    try {
      await check(networks, name);
    } finally {
      await networks.undefine(name, calm);
    }
  });
}

async function withNetworks(arrange: ArrangeProvider, check: (networks: Networks) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  await using session = await subject.open();
  const { networks } = session.facets;
  if (!networks) expect.fail('The session has no networks facet.');
  await check(networks);
}
