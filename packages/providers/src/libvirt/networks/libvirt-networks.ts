import { HyperError, type NetworkInfo, type VMInfo } from '@hypersdk/domain';
import type { Cancel, Inventory, Networks, NetworkWish } from '@hypersdk/ports';
import { undoing, unstoppable } from '../backup/run-effects.ts';
import { type Network, procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import { readNetwork, toNetworkXml } from './network-xml.ts';

/** How libvirt refuses a description, rather than to carry it out. */
const NOT_A_NETWORK = [ServerCode.internal, ServerCode.invalidArgument, ServerCode.malformedXml, ServerCode.invalidXml, ServerCode.unsupportedConfig];

/** The virtual networks of a libvirt host. */
export class LibvirtNetworks implements Networks {
  readonly #client: Caller;
  readonly #inventory: Inventory;

  constructor(client: Caller, inventory: Inventory) {
    this.#client = client;
    this.#inventory = inventory;
  }

  async list(o: Cancel): Promise<readonly NetworkInfo[]> {
    o.signal.throwIfAborted();
    const { networks } = await this.#client.call(procedures.listAllNetworks, { needsResults: 1, flags: 0 }, o);
    const vms = await Array.fromAsync(this.#inventory.list(o));
    const described = await Promise.all(networks.map((network) => this.#describe(network, { ...o, vms })));
    return described.filter((network) => network !== undefined);
  }

  async get(name: string, o: Cancel): Promise<NetworkInfo> {
    const network = await this.#find(name, o);
    const described = await this.#describe(network, { ...o, vms: await Array.fromAsync(this.#inventory.list(o)) });
    return described ?? raiseNotFound(name);
  }

  async define(wish: NetworkWish, o: Cancel): Promise<NetworkInfo> {
    o.signal.throwIfAborted();
    const description = toNetworkXml(wish);
    // libvirt refuses a second network of the name too, in words of its own.
    if (await this.#lookUp(wish.name, o)) throw new HyperError('network/exists', `There is a network ${wish.name} already.`);
    const { network } = await this.#client.call(procedures.networkDefineXml, { xml: description }, unstoppable).catch((error: unknown) => {
      if (isRefusal(error, ...NOT_A_NETWORK)) throw new HyperError('usage/invalid', `That is no network: ${error.message}`, { cause: error });
      throw error;
    });
    try {
      o.signal.throwIfAborted();
      if (wish.autostart) await this.#client.call(procedures.networkSetAutostart, { network, autostart: 1 }, unstoppable);
      if (wish.start) await this.#client.call(procedures.networkCreate, { network }, unstoppable);
      o.signal.throwIfAborted();
      return await this.get(wish.name, o);
    } catch (error) {
      await this.#undo(network, error);
      throw error;
    }
  }

  async undefine(name: string, o: Cancel): Promise<void> {
    const { isActive, vms } = await this.get(name, o);
    const network = await this.#find(name, o);
    if (isActive) throw new HyperError('network/wrong-state', `The network ${name} runs: only a stopped one is taken away.`);
    if (vms.length > 0) throw inUse(name, await this.#namesOf(vms, o));
    await this.#client.call(procedures.networkUndefine, { network }, o);
  }

  async start(name: string, o: Cancel): Promise<void> {
    const network = await this.#find(name, o);
    if (await this.#isActive(network, o)) return;
    await this.#client.call(procedures.networkCreate, { network }, o);
  }

  async stop(name: string, o: Cancel): Promise<void> {
    const { vms } = await this.get(name, o);
    const network = await this.#find(name, o);
    if (!(await this.#isActive(network, o))) return;
    const running = await this.#namesOf(vms, { ...o, isCounted: ({ powerState }) => powerState !== 'stopped' });
    if (running.length > 0) throw inUse(name, running);
    await this.#client.call(procedures.networkDestroy, { network }, o);
  }

  async setAutostart(name: string, { autostart, ...o }: Cancel & { readonly autostart: boolean }): Promise<void> {
    const network = await this.#find(name, o);
    await this.#client.call(procedures.networkSetAutostart, { network, autostart: autostart ? 1 : 0 }, o);
  }

  /** Undefined for a network that is gone meanwhile. */
  async #describe(network: Network, { vms, ...o }: Cancel & { readonly vms: readonly VMInfo[] }): Promise<NetworkInfo | undefined> {
    try {
      const [{ xml }, isActive, { isPersistent }] = await Promise.all([
        this.#client.call(procedures.networkGetXml, { network, flags: 0 }, o),
        this.#isActive(network, o),
        this.#client.call(procedures.networkIsPersistent, { network }, o),
      ]);
      // One that is gone when it is stopped cannot be started with its host either, and is not asked.
      const { autostart } = isPersistent === 1 ? await this.#client.call(procedures.networkGetAutostart, { network }, o) : { autostart: 0 };
      const described = readNetwork(xml);
      const hangsOn = ({ nics }: VMInfo): boolean => nics.some((nic) => nic.network === described.name || isSame(nic.network, described.bridge));
      return {
        ...described,
        isActive,
        isPersistent: isPersistent === 1,
        autostart: autostart === 1,
        vms: vms.filter(hangsOn).map(({ id }) => id),
      };
    } catch (error) {
      if (isRefusal(error, ServerCode.noNetwork)) return undefined;
      throw error;
    }
  }

  async #isActive(network: Network, o: Cancel): Promise<boolean> {
    return (await this.#client.call(procedures.networkIsActive, { network }, o)).isActive === 1;
  }

  async #find(name: string, o: Cancel): Promise<Network> {
    return (await this.#lookUp(name, o)) ?? raiseNotFound(name);
  }

  async #lookUp(name: string, o: Cancel): Promise<Network | undefined> {
    o.signal.throwIfAborted();
    try {
      return (await this.#client.call(procedures.networkLookupByName, { name }, o)).network;
    } catch (error) {
      if (isRefusal(error, ServerCode.noNetwork)) return undefined;
      throw error;
    }
  }

  async #namesOf(ids: NetworkInfo['vms'], o: Cancel & { readonly isCounted?: (vm: VMInfo) => boolean }): Promise<readonly string[]> {
    const all = await Array.fromAsync(this.#inventory.list({ signal: o.signal }));
    return all.filter((vm) => ids.includes(vm.id) && (o.isCounted?.(vm) ?? true)).map(({ name }) => name);
  }

  /** Takes away what was just defined. What cannot be is told beside the reason. */
  async #undo(network: Network, reason: unknown): Promise<void> {
    try {
      if (await this.#isActive(network, undoing())) await this.#client.call(procedures.networkDestroy, { network }, undoing());
      await this.#client.call(procedures.networkUndefine, { network }, undoing());
    } catch (error) {
      const [why, left] = [reason, error].map((each) => (each instanceof Error ? each.message : String(each)));
      throw new HyperError('libvirt/failed', `${why} The network ${network.name} stays, half made: ${left}`, { cause: reason });
    }
  }
}

const isSame = (a: string | undefined, b: string | undefined): boolean => a !== undefined && a === b;

function raiseNotFound(name: string): never {
  throw new HyperError('network/not-found', `There is no network ${JSON.stringify(name.slice(0, 80))} there.`, { detail: { network: name } });
}

const inUse = (name: string, vms: readonly string[]): HyperError =>
  new HyperError('network/in-use', `On the network ${name} there are cards of ${vms.slice(0, 5).join(', ')}${vms.length > 5 ? ', …' : ''}.`, {
    detail: { network: name, vms },
  });
