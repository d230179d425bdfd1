import type { AddressRange, NetworkInfo } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

interface NetworkBasics {
  /** Unlike those of all networks there: else `network/exists`. */
  readonly name: string;
  /** Whether it is started at once. */
  readonly start: boolean;
  /** Whether it is started with its host. */
  readonly autostart: boolean;
}

/** An address of the host, and what its VMs are given. IPv4 or IPv6. */
export interface WishedAddress {
  readonly address: string;
  readonly prefix: number;
  readonly dhcp?: AddressRange;
}

/** `bridge`: VMs hang on a bridge that the host has. All others are made: `none` leads nowhere, `nat` and `route` out by the host. */
export type NetworkWish = NetworkBasics &
  (
    | { readonly forward: 'bridge'; readonly bridge: string }
    | { readonly forward: 'none' | 'nat' | 'route'; readonly bridge?: string; readonly addresses: readonly WishedAddress[] }
  );

/** Networks that the VMs of one connection hang on. `network/not-found` for what there is not. */
export interface Networks {
  /** All, in any order. */
  list(o: Cancel): Promise<readonly NetworkInfo[]>;
  get(name: string, o: Cancel): Promise<NetworkInfo>;
  /** The network is there as it was wished when it answers. Otherwise there is none; a wish that makes no sense is `usage/invalid`. */
  define(wish: NetworkWish, o: Cancel): Promise<NetworkInfo>;
  /** Takes a stopped network away. `network/wrong-state` for one that runs, `network/in-use` while a VM has a card on it. */
  undefine(name: string, o: Cancel): Promise<void>;
  /** A network that runs is left as it is. */
  start(name: string, o: Cancel): Promise<void>;
  /** A network that does not run is left as it is. `network/in-use` while a VM runs with a card on it. */
  stop(name: string, o: Cancel): Promise<void>;
  setAutostart(name: string, change: Cancel & { readonly autostart: boolean }): Promise<void>;
}
