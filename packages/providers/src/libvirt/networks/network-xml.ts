// libvirt, "Network XML format".
import { HyperError, networkForwards, type NetworkAddress, type NetworkForward, type NetworkInfo } from '@hypersdk/domain';
import type { NetworkWish, WishedAddress } from '@hypersdk/ports';
import { childNamed, childrenNamed, parseXml, xml, xmlText } from '@hypersdk/wire';
import { present, tidyText } from '../../said-fields.ts';

/** More than anyone gives a network; what a server says beyond is left out. */
const ADDRESSES_MAX = 64;
const RANGES_MAX = 64;
/** What the kernel takes for the name of a network device (IFNAMSIZ), and nothing that could be a path. */
const DEVICE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^[0-9A-Fa-f:.]{2,45}$/;

export type DescribedNetwork = Pick<NetworkInfo, 'name' | 'forward' | 'bridge' | 'device' | 'addresses'>;

export function readNetwork(text: string): DescribedNetwork {
  const network = parseXml(text);
  const name = childNamed(network, 'name')?.text;
  if (network.name !== 'network' || !name) throw new HyperError('document/malformed', 'What libvirt sent is not the description of a network.');
  const forward = childNamed(network, 'forward');
  return {
    name,
    // "Connectivity": an element without a mode means NAT, no element no way out.
    forward: forward ? forwardOf(forward.attributes.get('mode') ?? 'nat') : 'none',
    ...present({
      bridge: tidyText(childNamed(network, 'bridge')?.attributes.get('name')),
      device: tidyText(forward?.attributes.get('dev') ?? (forward && childNamed(forward, 'interface')?.attributes.get('dev'))),
    }),
    addresses: childrenNamed(network, 'ip')
      .slice(0, ADDRESSES_MAX)
      .flatMap(({ attributes, ...ip }): readonly NetworkAddress[] => {
        const address = attributes.get('address');
        const prefix = prefixOf(attributes.get('prefix'), attributes.get('netmask'), address);
        if (!isAddress(address) || prefix === undefined) return [];
        const ranges = childrenNamed(childNamed({ attributes, ...ip }, 'dhcp'), 'range').slice(0, RANGES_MAX);
        return [
          {
            address,
            prefix,
            dhcp: ranges.flatMap((range) => {
              const [first, last] = [range.attributes.get('start'), range.attributes.get('end')];
              return isAddress(first) && isAddress(last) ? [{ first, last }] : [];
            }),
          },
        ];
      }),
  };
}

/** Refuses with `usage/invalid` what could be no network of any server; whether addresses fit together is the server's to say. */
export function toNetworkXml(wish: NetworkWish): string {
  if (!/^[^/\p{Cc}]{1,100}$/u.test(wish.name) || wish.name.trim() === '')
    throw invalid(`${JSON.stringify(wish.name.slice(0, 80))} is no name of one`);
  if (wish.bridge !== undefined && !DEVICE.test(wish.bridge)) throw invalid(`${JSON.stringify(wish.bridge.slice(0, 80))} is no name of a bridge`);
  const bridge = wish.bridge === undefined ? [] : [xml('bridge', { name: wish.bridge })];
  const forward = wish.forward === 'none' ? [] : [xml('forward', { mode: wish.forward })];
  const addresses = wish.forward === 'bridge' ? [] : wish.addresses.map(toIp);
  return xml('network', {}, xml('name', {}, xmlText(wish.name)), ...forward, ...bridge, ...addresses);
}

function toIp({ address, prefix, dhcp }: WishedAddress): string {
  const isV6 = address.includes(':');
  if (!isAddress(address)) throw notAnAddress(address);
  if (!Number.isInteger(prefix) || prefix < 1 || prefix > (isV6 ? 128 : 32))
    throw invalid(`an address like ${address} has no prefix of ${prefix} bits`);
  for (const end of dhcp ? [dhcp.first, dhcp.last] : []) if (!isAddress(end) || end.includes(':') !== isV6) throw notAnAddress(end);
  const given = dhcp ? [xml('dhcp', {}, xml('range', { start: dhcp.first, end: dhcp.last }))] : [];
  return xml('ip', { family: isV6 ? 'ipv6' : 'ipv4', address, prefix }, ...given);
}

const forwardOf = (mode: string): NetworkForward => networkForwards.find((known) => known === mode && known !== 'none') ?? 'unknown';

const isAddress = (text: string | undefined): text is string => text !== undefined && (IPV4.test(text) || (IPV6.test(text) && text.includes(':')));

/** "Addressing": a prefix or a netmask, or what the classes of old say of an address. */
function prefixOf(prefix: string | undefined, netmask: string | undefined, address: string | undefined): number | undefined {
  if (prefix !== undefined) return /^\d{1,3}$/.test(prefix) && Number(prefix) <= 128 ? Number(prefix) : undefined;
  if (netmask !== undefined) return IPV4.test(netmask) ? onesOf(netmask) : undefined;
  if (address?.includes(':')) return 64;
  const first = Number(address?.split('.')[0]);
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}

function onesOf(netmask: string): number | undefined {
  const bits = netmask
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : undefined;
}

const notAnAddress = (text: string): HyperError => invalid(`${JSON.stringify(text.slice(0, 80))} is no address, or not of the kind of the others`);

const invalid = (why: string): HyperError => new HyperError('usage/invalid', `That is no network: ${why}.`);
