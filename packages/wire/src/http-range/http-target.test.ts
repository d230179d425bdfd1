import { expect, test } from 'vitest';
import { parseHttpTarget } from './http-target.ts';

test('an address is taken apart, and its secrets are not shown', () => {
  expect(parseHttpTarget('https://anna:p%40ss@Example.ORG/a%20b/disk.qcow2?sig=secret#x')).toEqual({
    isSecure: true,
    host: 'example.org',
    port: 443,
    hostField: 'example.org',
    path: '/a%20b/disk.qcow2?sig=secret',
    origin: 'https://example.org',
    shown: 'https://example.org/a%20b/disk.qcow2',
    authorization: `Basic ${Buffer.from('anna:p@ss').toString('base64')}`,
  });
  expect(parseHttpTarget('http://[::1]:8080/x')).toMatchObject({ host: '::1', port: 8080, origin: 'http://[::1]:8080' });
});

test.each(['ftp://host/x', 'https://', 'http://a b/', `http://h/${'a'.repeat(9000)}`, 'http://u:%zz@h/'])(
  '%s is refused without being repeated',
  (text) => {
    expect(() => parseHttpTarget(text)).toThrow(/^This is no address of a file on the web/);
  },
);
