import { expect, test } from 'vitest';
import type { HttpLocator, NbdLocator } from '@hypersdk/ports';
import { calm } from '@hypersdk/testkit';
import { parseAddressConfig } from './address-config.ts';
import { askNbd, askWeb } from './addressed-disk.ts';

const config = parseAddressConfig({ vms: [{ disks: ['x'] }], pointInTime: 'now' });

const nbd = (change: Partial<NbdLocator>) =>
  askNbd({
    locate: () => ({
      kind: 'nbd',
      server: { host: '::1', port: 10_809 },
      exportName: '',
      allowsPlaintext: false,
      isSingle: false,
      pointInTime: 'now',
      ...change,
    }),
    inspect: async () => ({ exportName: '', virtualSize: 4096, isReadOnly: true, details: {} }),
    mark: () => 'mark',
  })('nbd:', config, calm);

const web = (shown: string) => {
  const located: HttpLocator = { kind: 'http', url: `${shown}?signature=secret`, shown, format: 'qcow2', mark: 'mark' };
  const about = {
    format: 'qcow2',
    virtualSize: 4096,
    allocatedSize: 0,
    fileSize: 0,
    unitSize: 1,
    snapshotCount: 0,
    references: [],
    details: {},
  } as const;
  return askWeb({ locate: async () => located, inspect: async () => about })(located.url, config, calm);
};

test('an export is named as it is on its server', async () => {
  expect(await nbd({ exportName: 'pool/web-01.raw' })).toMatchObject({ name: 'web-01', shown: 'nbd://[::1]:10809/pool/web-01.raw', format: 'raw' });
  expect(await nbd({})).toMatchObject({ name: 'disk', server: 'nbd://[::1]:10809' });
  expect(await nbd({ server: { path: '/run/a.sock' }, exportName: 'b' })).toMatchObject({ shown: 'nbd+unix:/run/a.sock#b', name: 'b' });
});

test('who a person is to a server, and by which keys, is not part of a name', async () => {
  const { shown, server } = await nbd({ tls: { kind: 'psk', file: '/etc/keys', identity: 'alice' }, exportName: 'a' });
  expect([shown, server].join()).toBe('nbds://[::1]:10809/a,nbds://[::1]:10809');
});

test('an image on the web is named after its file', async () => {
  expect(await web('https://images.example.org/debian%2012.qcow2')).toMatchObject({ name: 'debian 12', server: 'https://images.example.org' });
  expect(await web('https://images.example.org/%zz')).toMatchObject({ name: '%zz', shown: 'https://images.example.org/%zz' });
  expect(await web('https://images.example.org/')).toMatchObject({ name: 'disk' });
});
