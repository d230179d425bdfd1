import { HyperError, type NetworkInfo } from '@hypersdk/domain';
import type { Cancel, Networks, NetworkWish } from '@hypersdk/ports';

/** Networks that nothing flows through, and that no VM has a card on. */
export class MemoryNetworks implements Networks {
  readonly #networks = new Map<string, NetworkInfo>();

  async list({ signal }: Cancel): Promise<readonly NetworkInfo[]> {
    signal.throwIfAborted();
    return [...this.#networks.values()];
  }

  async get(name: string, { signal }: Cancel): Promise<NetworkInfo> {
    signal.throwIfAborted();
    const network = this.#networks.get(name);
    if (!network) throw new HyperError('network/not-found', `There is no network ${name}.`);
    return network;
  }

  async define(wish: NetworkWish, { signal }: Cancel): Promise<NetworkInfo> {
    signal.throwIfAborted();
    const { name, start: isActive, autostart, forward, bridge } = wish;
    const addresses = wish.forward === 'bridge' ? [] : wish.addresses;
    const makesSense = /^[^/]{1,100}$/.test(name) && !bridge?.includes('/') && addresses.every(isAddress);
    if (!makesSense) throw new HyperError('usage/invalid', 'That is no network.');
    if (this.#networks.has(name)) throw new HyperError('network/exists', `There is a network ${name} already.`);
    const network: NetworkInfo = {
      name,
      isActive,
      autostart,
      isPersistent: true,
      forward,
      ...(bridge === undefined ? {} : { bridge }),
      addresses: addresses.map(({ address, prefix, dhcp }) => ({ address, prefix, dhcp: dhcp ? [dhcp] : [] })),
      vms: [],
    };
    this.#networks.set(name, network);
    return network;
  }

  async undefine(name: string, o: Cancel): Promise<void> {
    if ((await this.get(name, o)).isActive) throw new HyperError('network/wrong-state', `The network ${name} runs.`);
    this.#networks.delete(name);
  }

  start(name: string, o: Cancel): Promise<void> {
    return this.#change(name, { isActive: true }, o);
  }

  stop(name: string, o: Cancel): Promise<void> {
    return this.#change(name, { isActive: false }, o);
  }

  setAutostart(name: string, { autostart, ...o }: Cancel & { readonly autostart: boolean }): Promise<void> {
    return this.#change(name, { autostart }, o);
  }

  async #change(name: string, change: Partial<NetworkInfo>, o: Cancel): Promise<void> {
    this.#networks.set(name, { ...(await this.get(name, o)), ...change });
  }
}

const isAddress = ({ address, prefix }: { readonly address: string; readonly prefix: number }): boolean =>
  /^[0-9a-fA-F.:]+$/.test(address) && prefix >= 1 && prefix <= (address.includes(':') ? 128 : 32);
