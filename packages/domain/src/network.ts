import type { VMId } from './ids.ts';

export const networkForwards = ['none', 'nat', 'route', 'open', 'bridge', 'private', 'vepa', 'passthrough', 'hostdev', 'unknown'] as const;
/** How what VMs send leaves their host. `none`: not at all. */
export type NetworkForward = (typeof networkForwards)[number];

/** A range of addresses, both ends in it. */
export interface AddressRange {
  readonly first: string;
  readonly last: string;
}

/** An address of the host in the network, and what it gives to others. */
export interface NetworkAddress {
  readonly address: string;
  readonly prefix: number;
  readonly dhcp: readonly AddressRange[];
}

/** A network of a platform that VMs hang on. Its name is unlike those of all others there. */
export interface NetworkInfo {
  readonly name: string;
  readonly isActive: boolean;
  /** Whether it is started with its host. */
  readonly autostart: boolean;
  /** Whether it is still there when it was stopped. */
  readonly isPersistent: boolean;
  readonly forward: NetworkForward;
  /** The host's bridge. */
  readonly bridge?: string;
  /** The host's card that it leaves by. */
  readonly device?: string;
  readonly addresses: readonly NetworkAddress[];
  /** VMs with a card on it, whether they run or not. */
  readonly vms: readonly VMId[];
}
