import { expect, test } from 'vitest';
import { isPublicAddress, leadsInside } from './address-zone.ts';

test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '192.167.255.255', '2606:4700::1111', '2a00:1450:4001::200e'])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '127.0.0.1',
  '127.255.255.255',
  '169.254.169.254',
  '169.254.170.2',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '100.100.100.200',
  '168.63.129.16',
  '::',
  '::1',
  '::7f00:1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::7f00:1',
  '64:ff9b:1::1',
  '100::1',
  '100:0:0:1::1',
  'fe80::1',
  'fe80::1%eth0',
  'fc00::1',
  'fd00:ec2::254',
  'ff02::1',
  '2002:7f00:1::',
  '2001::1',
  '2001:db8::1',
  'localhost',
  '',
])('%s is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test('a redirection leads inside when one of its addresses does, and it came from outside', () => {
  expect(leadsInside(['8.8.8.8'], ['1.1.1.1', '10.0.0.1'])).toBe(true);
  expect(leadsInside(['10.0.0.1', '8.8.8.8'], ['169.254.169.254'])).toBe(true);
  expect(leadsInside(['8.8.8.8'], ['1.1.1.1'])).toBe(false);
  expect(leadsInside(['10.0.0.1'], ['10.0.0.2'])).toBe(false);
  expect(leadsInside(['127.0.0.1'], ['8.8.8.8'])).toBe(false);
});
