import { parseXml } from '@hypersdk/wire';
import { expect, test } from 'vitest';
import { describeConsoles } from './describe-consoles.ts';

const HERE = { machine: 'kvm-1', reachedAs: 'kvm-1.example.org' };
const describe = (...devices: readonly string[]) => describeConsoles(parseXml(`<domain><devices>${devices.join('')}</devices></domain>`), HERE);
const alias = (name: string): string => `<alias name='${name}'/>`;

test('a serial port that is named a second time as a console is one line, and what cannot be handed on is none', () => {
  const { lines } = describe(
    `<serial type='file'><source path='/tmp/log'/>${alias('serial0')}</serial>`,
    `<serial type='pty'>${alias('serial1')}</serial>`,
    `<serial type='unix'>${alias('serial2')}</serial>`,
    `<serial type='pty'/>`,
    `<console type='pty'><target type='serial' port='0'/>${alias('serial1')}</console>`,
    `<console type='pty'>${alias('serial1')}</console>`,
    `<console type='pty'><target type='virtio' port='1'/>${alias('console1')}</console>`,
  );
  expect(lines).toEqual(['serial1', 'serial2', 'console1']);
});

test('a graphics card makes a screen, unless it is none', () => {
  expect(describe(`<video><model type='vga'/></video>`).hasScreen).toBe(true);
  expect(describe(`<video><model type='none'/></video>`).hasScreen).toBe(false);
  expect(describe()).toEqual({ hasScreen: false, lines: [], graphics: [] });
});

test.each([
  ['an address', `<graphics type='vnc' port='5901' listen='10.0.0.7'/>`, { kind: 'tcp', machine: 'kvm-1', host: '10.0.0.7', port: 5901 }],
  [
    'an address that is told inside',
    `<graphics type='vnc' port='5901'><listen type='address' address='::1'/></graphics>`,
    { kind: 'tcp', machine: 'kvm-1', host: '::1', port: 5901 },
  ],
  ['every address', `<graphics type='vnc' port='5901' listen='0.0.0.0'/>`, { kind: 'tcp', machine: 'kvm-1', host: 'kvm-1.example.org', port: 5901 }],
  ['no address that is told', `<graphics type='vnc' port='5901'/>`, { kind: 'tcp', machine: 'kvm-1', host: '127.0.0.1', port: 5901 }],
  [
    'two ports',
    `<graphics type='spice' port='5902' tlsPort='5903' listen='10.0.0.7'/>`,
    { kind: 'tcp', machine: 'kvm-1', host: '10.0.0.7', port: 5902, tlsPort: 5903 },
  ],
  [
    'a TLS port only',
    `<graphics type='spice' port='-1' tlsPort='5903' listen='::'/>`,
    { kind: 'tcp', machine: 'kvm-1', host: 'kvm-1.example.org', tlsPort: 5903 },
  ],
  [
    'a socket',
    `<graphics type='vnc' socket='/run/vnc'><listen type='socket' socket='/run/vnc'/></graphics>`,
    { kind: 'socket', machine: 'kvm-1', path: '/run/vnc' },
  ],
  [
    'a socket that is told inside',
    `<graphics type='spice'><listen type='socket' socket='/run/s'/></graphics>`,
    { kind: 'socket', machine: 'kvm-1', path: '/run/s' },
  ],
])('a graphical console on %s is found there', (_, xml, endpoint) => {
  expect(describe(xml).graphics.map((one) => one.endpoint)).toEqual([endpoint]);
});

test.each([
  `<graphics type='sdl'/>`,
  `<graphics type='vnc' port='-1'/>`,
  `<graphics type='vnc' port='70000' listen='10.0.0.7'/>`,
  `<graphics type='vnc' port='5901;reboot' listen='10.0.0.7'/>`,
  `<graphics type='spice'><listen type='none'/></graphics>`,
])('%s is no console that somebody could connect to', (xml) => {
  expect(describe(xml).graphics).toEqual([]);
});

test('what a hostile server says is cut and in one line', () => {
  const many = Array.from({ length: 500 }, (_, at) => `<serial type='pty'>${alias(`serial${at}`)}</serial>`);
  expect(describe(...many).lines).toHaveLength(64);
  expect(describe(`<serial type='pty'>${alias('a&#10;b&#x202e;c')}</serial>`).lines).toEqual(['a b c']);
});
