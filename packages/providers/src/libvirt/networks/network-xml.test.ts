import type { NetworkWish } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import { readNetwork, toNetworkXml } from './network-xml.ts';

const network = (content: string): string => `<network><name>n</name>${content}</network>`;

describe('the description of a network', () => {
  test('is read as it was written', () => {
    const wish: NetworkWish = {
      name: `a & <b> "c" 'd'`,
      forward: 'nat',
      bridge: 'virbr7',
      start: false,
      autostart: false,
      addresses: [
        { address: '10.1.2.1', prefix: 20, dhcp: { first: '10.1.2.2', last: '10.1.3.9' } },
        { address: 'fd00::1', prefix: 64 },
      ],
    };
    expect(readNetwork(toNetworkXml(wish))).toEqual({
      name: wish.name,
      forward: 'nat',
      bridge: 'virbr7',
      addresses: [
        { address: '10.1.2.1', prefix: 20, dhcp: [{ first: '10.1.2.2', last: '10.1.3.9' }] },
        { address: 'fd00::1', prefix: 64, dhcp: [] },
      ],
    });
    const bridged: NetworkWish = { name: 'b', forward: 'bridge', bridge: 'br0', start: false, autostart: false };
    expect(readNetwork(toNetworkXml(bridged))).toEqual({ name: 'b', forward: 'bridge', bridge: 'br0', addresses: [] });
    const isolated: NetworkWish = { name: 'i', forward: 'none', start: false, autostart: false, addresses: [] };
    expect(readNetwork(toNetworkXml(isolated))).toEqual({ name: 'i', forward: 'none', addresses: [] });
  });

  test('says how VMs get out, in ways of old and ways that nobody knows', () => {
    expect(readNetwork(network(''))).toMatchObject({ forward: 'none' });
    expect(readNetwork(network('<forward/>'))).toMatchObject({ forward: 'nat' });
    expect(readNetwork(network(`<forward mode='route' dev='eth1'/>`))).toMatchObject({ forward: 'route', device: 'eth1' });
    expect(readNetwork(network(`<forward mode='private'><interface dev='eth2'/></forward>`))).toMatchObject({ forward: 'private', device: 'eth2' });
    for (const mode of ['none', 'warp']) expect(readNetwork(network(`<forward mode='${mode}'/>`))).toMatchObject({ forward: 'unknown' });
  });

  test('says prefixes as masks, as numbers, or not at all', () => {
    for (const [attributes, prefix] of [
      [`address='10.0.0.1' netmask='255.255.240.0'`, 20],
      [`address='10.0.0.1' netmask='0.0.0.0'`, 0],
      [`address='10.0.0.1' prefix='31'`, 31],
      [`address='10.0.0.1'`, 8],
      [`address='172.16.0.1'`, 16],
      [`address='192.168.1.1'`, 24],
      [`family='ipv6' address='fd00::1'`, 64],
    ] as const)
      expect(readNetwork(network(`<ip ${attributes}/>`)).addresses).toMatchObject([{ prefix }]);
  });

  test('leaves out what is no address, and is bounded however long it is', () => {
    for (const attributes of [`address='here'`, `address='10.0.0.1' netmask='255.0.255.0'`, `address='10.0.0.1' prefix='999'`, `address='300.1.1.1'`])
      expect(readNetwork(network(`<ip ${attributes}/>`)).addresses).toEqual([]);
    const ranges = `<range start='10.0.0.2' end='there'/>${`<range start='10.0.0.2' end='10.0.0.3'/>`.repeat(500)}`;
    const { addresses } = readNetwork(network(`<ip address='10.0.0.1' prefix='8'><dhcp>${ranges}</dhcp></ip>`.repeat(80)));
    expect(addresses).toHaveLength(64);
    expect(addresses[0]?.dhcp.length).toBeLessThanOrEqual(64);
  });

  test('of something else is refused', () => {
    for (const text of ['<domain><name>n</name></domain>', '<network/>', 'text', `<!DOCTYPE a [<!ENTITY b "c">]><network><name>&b;</name></network>`])
      expect(() => readNetwork(text)).toThrow(expect.objectContaining({ code: 'document/malformed' }));
  });
});
