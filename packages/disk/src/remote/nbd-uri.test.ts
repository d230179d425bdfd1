import { describe, expect, test } from 'vitest';
import { parseNbdUri } from './nbd-uri.ts';

const parse = (text: string) => parseNbdUri(text, { allowsPlaintext: false, pointInTime: 'now' });

describe('an NBD address', () => {
  test.each([
    ['nbd://example.com:10810/export', { server: { host: 'example.com', port: 10810 }, exportName: 'export' }],
    ['nbd://example.com', { server: { host: 'example.com', port: 10809 }, exportName: '' }],
    ['nbd://example.com/', { exportName: '' }],
    ['nbd://example.com//disk', { exportName: '/disk' }],
    ['nbd://example.com/hello%20world', { exportName: 'hello world' }],
    ['nbd://[::1]/a', { server: { host: '::1', port: 10809 } }],
    ['nbd+unix:///disk?socket=/run/a.sock', { server: { path: '/run/a.sock' }, exportName: 'disk' }],
    ['nbd+unix:///?socket=rel.sock', { server: { path: 'rel.sock' }, exportName: '' }],
    ['nbds://host/x', { tls: { kind: 'certificates', serverName: 'host', verifies: true } }],
    [
      'nbds://10.0.0.1/x?tls-certificates=/etc/pki&tls-hostname=disks',
      { tls: { kind: 'certificates', folder: '/etc/pki', serverName: 'disks', verifies: true } },
    ],
    ['nbds://host/?tls-verify-peer=0', { tls: { verifies: false } }],
    ['nbds://alice@host/x?tls-psk-file=/keys', { tls: { kind: 'psk', file: '/keys', identity: 'alice' } }],
    ['nbds+unix://bob@/x?socket=/s&tls-psk-file=/keys', { server: { path: '/s' }, tls: { kind: 'psk', identity: 'bob' } }],
    ['nbd://host/x?x-bitmap=qemu:dirty-bitmap:b1', { bitmap: 'qemu:dirty-bitmap:b1' }],
  ])('%s', (text, expected) => {
    expect(parse(text)).toMatchObject({ kind: 'nbd', allowsPlaintext: false, isSingle: false, pointInTime: 'now', ...expected });
  });

  test.each(['disk.qcow2', '/dev/nbd0', './nbd', 'http://host/x', 'C:\\nbd'])('%s is a path, or of another kind', (text) => {
    expect(parse(text)).toBeUndefined();
  });

  test.each([
    ['nbd+unix:///x', 'socket'],
    ['nbd+unix://host/x?socket=/s', 'three slashes'],
    ['nbd://host/x?socket=/s', 'nbd+unix'],
    ['nbd:///x', 'no host'],
    ['nbd://host:99999/x', 'no URI'],
    ['nbd://host/x?tls-psk-file=/k', 'use nbds'],
    ['nbds://host/x?tls-psk-file=/k', 'needs a name'],
    ['nbds://host/x?tls-verify-peer=maybe', '0 or 1'],
    ['nbd://host/x?colour=red', 'not known'],
    ['nbd://host/%zz', 'percent'],
    ['nbd://host/x#y', 'does not have'],
    ['nbd://u:p@host/x', 'does not have'],
  ])('%s is refused: %s', (text, why) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'usage/invalid', message: expect.stringContaining(why) }));
  });
});
