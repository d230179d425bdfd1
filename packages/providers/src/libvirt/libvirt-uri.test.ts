import { describe, expect, test } from 'vitest';
import { isLibvirtUri, parseLibvirtUri } from './libvirt-uri.ts';

const root = { isRoot: true, isReadOnly: false };
const user = { isRoot: false, isReadOnly: false, runtimeFolder: '/run/user/1000' };
const transportOf = (uri: string, surroundings: Parameters<typeof parseLibvirtUri>[1] = root) => parseLibvirtUri(uri, surroundings).transport;

describe('sockets of this machine', () => {
  test('the daemon for everything is tried before the one for QEMU', () => {
    expect(parseLibvirtUri('qemu:///system', user)).toEqual({
      localUri: 'qemu:///system',
      transport: { kind: 'unix', sockets: ['/var/run/libvirt/libvirt-sock', '/var/run/libvirt/virtqemud-sock'] },
    });
    expect(transportOf('qemu+unix:///session', user)).toEqual({
      kind: 'unix',
      sockets: ['/run/user/1000/libvirt/libvirt-sock', '/run/user/1000/libvirt/virtqemud-sock'],
    });
    expect(transportOf('qemu:///system?mode=direct')).toEqual({ kind: 'unix', sockets: ['/var/run/libvirt/virtqemud-sock'] });
  });

  test('a named socket is the only one', () => {
    expect(transportOf('test:///default?socket=/tmp/x', { ...user, isReadOnly: true })).toEqual({ kind: 'unix', sockets: ['/tmp/x'] });
  });

  test('who only looks uses the socket that is for that', () => {
    expect(transportOf('qemu:///system', { ...user, isReadOnly: true })).toMatchObject({
      sockets: expect.arrayContaining(['/var/run/libvirt/libvirt-sock-ro']),
    });
    expect(transportOf('qemu:///session', { ...user, isReadOnly: true })).toEqual(transportOf('qemu:///session', user));
  });
});

test.each([
  ['qemu+ssh://root@host:2222/system', { kind: 'ssh', host: 'host', port: 2222, user: 'root', verifiesHost: true, proxy: 'auto' }],
  ['qemu+ssh://host/session?keyfile=/k&known_hosts=/h', { kind: 'ssh', host: 'host', keyFile: '/k', knownHostsFile: '/h' }],
  ['qemu+ssh://[fe80::1]/system?no_verify=1', { kind: 'ssh', host: 'fe80::1', verifiesHost: false }],
  ['qemu+ssh://host/system?socket=/s', { kind: 'ssh', socket: '/s', proxy: 'netcat' }],
  ['qemu+tls://host/system?pkipath=/pki', { kind: 'tls', host: 'host', port: 16_514, pkiFolder: '/pki' }],
  ['qemu://host/system', { kind: 'tls', host: 'host' }],
  ['QEMU+TCP://host:26509/system', { kind: 'tcp', host: 'host', port: 26_509 }],
])('%s is a way to a server', (uri, transport) => {
  expect(transportOf(uri)).toMatchObject(transport);
  expect(isLibvirtUri(uri)).toBe(true);
});

test.each([
  ['/var/lib', /does not begin with a driver/],
  ['xen:///system', /the driver "xen"/],
  ['qemu:///sytem', /comes \/system or \/session/],
  ['qemu:///', /comes \/system or \/session/],
  ['test:///file.xml', /only \/default/],
  ['qemu+rsh://host/system', /the transport "rsh"/],
  ['qemu+ssh:///system', /names no host/],
  ['qemu+unix://host/system', /three slashes/],
  ['qemu+ssh://-oProxyCommand=x/system', /its host is not one|host or port/],
  ['qemu+ssh://-l@host/system', /its user is not one/],
  ['qemu+ssh://user:secret@host/system', /a password has no place/],
  ['qemu+ssh://host/system?command=sh', /the parameter "command"/],
  ['qemu+ssh://host/system?proxy=rsh', /proxy is/],
  ['qemu+ssh://host/session?proxy=netcat', /the socket of a session/],
  ['qemu+tls://host/system?no_verify=1', /thumbprint/],
  ['qemu:///session?socket=run/x', /begins with a slash/],
  ['qemu:///system\nx', /control characters/],
  ['qemu+tcp://host:99999/system', /host or port/],
])('%j is refused with the reason', (uri, why) => {
  expect(() => parseLibvirtUri(uri, user)).toThrow(why);
});

test("without a folder for the user's sockets a session cannot be found", () => {
  expect(() => parseLibvirtUri('qemu:///session', { isRoot: false, isReadOnly: false })).toThrow(/XDG_RUNTIME_DIR/);
});
