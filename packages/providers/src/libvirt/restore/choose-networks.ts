import { HyperError, type VMInfo } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import type { NicNetworks } from './domain-xml.ts';

export interface ChosenNetworks {
  readonly networks: NicNetworks;
  readonly warnings: readonly string[];
}

/** Without a wish, each card is connected to the network that it was connected to, where there is one of that name. */
export async function chooseNetworks(client: Caller, { nics }: VMInfo, o: Cancel & { readonly wish?: string }): Promise<ChosenNetworks> {
  if (o.wish === 'none') return { networks: nics.map(() => undefined), warnings: [] };
  if (o.wish !== undefined) {
    const network = o.wish;
    if (!(await isThere(client, network, o)))
      throw new HyperError('network/not-found', `There is no network ${network} there.`, { detail: { network } });
    return { networks: nics.map(() => network), warnings: [] };
  }
  const networks: (string | undefined)[] = [];
  const warnings: string[] = [];
  for (const { id, network } of nics) {
    const isKnown = network !== undefined && (await isThere(client, network, o));
    networks.push(isKnown ? network : undefined);
    if (isKnown) continue;
    const why = network === undefined ? 'what it was connected to is not known' : `there is no network ${network} there`;
    warnings.push(`The network card ${id} is connected to nothing: ${why}.`);
  }
  return { networks, warnings };
}

async function isThere(client: Caller, name: string, o: Cancel): Promise<boolean> {
  try {
    await client.call(procedures.networkLookupByName, { name }, o);
    return true;
  } catch (error) {
    if (isRefusal(error, ServerCode.noNetwork, ServerCode.noSupport)) return false;
    throw error;
  }
}
