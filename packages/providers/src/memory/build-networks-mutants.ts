import { HyperError } from '@hypersdk/domain';
import type { Networks } from '@hypersdk/ports';
import { type ArrangeProvider, calm, type Mutant } from '@hypersdk/testkit';
import { facetMutant } from './build-memory-platform.ts';

const networksMutant = facetMutant('networks');

/** What cannot be done is not minded. */
const unminded =
  (call: Networks['start']): Networks['start'] =>
  (name, o) =>
    call(name, o).catch((error: unknown) => {
      if (!(error instanceof HyperError)) throw error;
    });

/** Wrong ways to keep networks, each with the check that has to find it. */
export const networksMutants: readonly Mutant<ArrangeProvider>[] = [
  networksMutant('defines and does not start', 'a network is there as it was wished, and gone when it was taken away', (networks) => ({
    define: (wish, o) => networks.define({ ...wish, start: false }, o),
  })),
  networksMutant('starts only once', 'a network starts and stops, and doing so again changes nothing', (networks) => ({
    start: async (name, o) => {
      if ((await networks.get(name, o)).isActive) throw new HyperError('network/wrong-state', 'It runs.');
      await networks.start(name, o);
    },
  })),
  networksMutant(
    'starts what is only to be started with its host',
    'whether a network is started with its host is what it was set to',
    (networks) => ({
      setAutostart: async (name, o) => {
        await networks.setAutostart(name, o);
        await networks.start(name, o);
      },
    }),
  ),
  networksMutant('puts one network in the place of another', 'the name of a network is taken once', (networks) => ({
    define: async (wish, o) => {
      await networks.undefine(wish.name, o).catch(() => {});
      return networks.define(wish, o);
    },
  })),
  networksMutant('stops what it takes away', 'a network that runs is not taken away', (networks) => ({
    undefine: async (name, o) => {
      await networks.stop(name, o);
      await networks.undefine(name, o);
    },
  })),
  networksMutant('makes something of any wish', 'a wish that makes no sense is refused, and nothing is made', (networks) => ({
    define: (wish, o) =>
      networks.define(wish, o).catch((error: unknown) => {
        if (!(error instanceof HyperError) || error.code !== 'usage/invalid') throw error;
        return networks.define({ name: 'senseless', forward: 'none', start: false, autostart: false, addresses: [] }, o);
      }),
  })),
  networksMutant('stops whatever there is not', 'an unknown network is told to be unknown by every call', (networks) => ({
    stop: unminded(networks.stop.bind(networks)),
  })),
  networksMutant('starts although it was cancelled', 'a cancelled call on networks rejects with the reason and changes nothing', (networks) => ({
    start: (name) => networks.start(name, calm),
  })),
];
