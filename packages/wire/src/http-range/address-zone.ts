// IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 4291 §2.5.5, RFC 6052 §2.1, RFC 3056 §2.
import { BlockList, isIPv4, isIPv6 } from 'node:net';

const IPV4_SPECIAL = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.31.196.0', 24],
  ['192.52.193.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['192.175.48.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  // The host of a virtual machine answers here for its guests only: a cloud's inside, though it looks public.
  ['168.63.129.16', 32],
] as const;
/** Within 2000::/3; everything outside it is not public anyway. Teredo and 6to4 lead to an address within. */
const IPV6_SPECIAL = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['2620:4f:8000::', 48],
  ['3fff::', 20],
] as const;

const special4 = new BlockList();
for (const [net, bits] of IPV4_SPECIAL) special4.addSubnet(net, bits, 'ipv4');
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');
const special6 = new BlockList();
for (const [net, bits] of IPV6_SPECIAL) special6.addSubnet(net, bits, 'ipv6');

/** Whether an address belongs to the internet at large, and not to this machine, its network or its cloud. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !special4.check(address, 'ipv4');
  const plain = address.replace(/%.*$/, '');
  return isIPv6(plain) && global6.check(plain, 'ipv6') && !special6.check(plain, 'ipv6');
}

/** Whether a redirection from a host on the internet would end within a network: whoever wrote it could reach what only we can. */
export const leadsInside = (from: readonly string[], to: readonly string[]): boolean => from.some(isPublicAddress) && !to.every(isPublicAddress);
