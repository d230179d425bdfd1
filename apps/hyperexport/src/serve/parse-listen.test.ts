import { expect, test } from 'vitest';
import { isLocal, parseListen } from './parse-listen.ts';

test('an address to listen at is a host and a port', () => {
  expect(parseListen('127.0.0.1:0')).toEqual({ host: '127.0.0.1', port: 0 });
  expect(parseListen('[::]:10809')).toEqual({ host: '::', port: 10_809 });
  expect(parseListen('disks.example:65535')).toEqual({ host: 'disks.example', port: 65_535 });
});

test.each(['', '10809', ':10809', 'host', 'host:', 'host:65536', '::1:5', 'host:-1', '[host]:1'])('%j is none', (text) => {
  expect(() => parseListen(text)).toThrow('host and a port');
});

test('only loopback addresses are local', () => {
  expect(['127.0.0.1', '127.8.8.8', '::1', 'localhost'].map((host) => isLocal({ host, port: 1 }))).toEqual([true, true, true, true]);
  expect(['0.0.0.0', '::', '10.0.0.1', 'disks.example'].map((host) => isLocal({ host, port: 1 }))).toEqual([false, false, false, false]);
});
