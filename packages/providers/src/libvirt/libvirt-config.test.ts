import { expect, test } from 'vitest';
import { parseLibvirtConfig } from './libvirt-config.ts';

const uri = 'qemu:///system';

test('an address is enough', () => {
  expect(parseLibvirtConfig({ uri })).toMatchObject({ uri, allowsPlaintext: false, readOnly: false });
});

test('everything that may be said of a connection', () => {
  const config = { uri, allowsPlaintext: true, readOnly: true, thumbprint: 'ab'.repeat(32), user: 'ops', passwordFile: '/secret' };
  expect(parseLibvirtConfig(config)).toMatchObject(config);
});

test.each([
  ['nothing', undefined],
  ['a text', uri],
  ['no address', {}],
  ['an address of something else', { uri: 'nbd://host' }],
  ['an unknown field', { uri, password: 'x' }],
  ['a thumbprint that is none', { uri, thumbprint: 'abc' }],
  ['a name without a password', { uri, user: 'ops' }],
  ['a path with a NUL', { uri, user: 'ops', passwordFile: 'a\0b' }],
  ['half a truth', { uri, allowsPlaintext: 'yes' }],
  ['another half', { uri, readOnly: 1 }],
])('%s is refused', (_, config) => {
  expect(() => parseLibvirtConfig(config)).toThrow(/not a configuration of the libvirt provider/);
});
