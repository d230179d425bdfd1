import { describe, expect, test } from 'vitest';
import { checkCertificate, parseManifest } from './ovf-manifest.ts';

const SHA256 = 'ab'.repeat(32);

describe('a manifest', () => {
  test('is read as the programs write it', () => {
    const text = `SHA256(vm.ovf)= ${SHA256}\r\nSHA1 (disk one.vmdk) = ${'0A'.repeat(20)}\n\nSHA512(b.vmdk)=${'0'.repeat(128)}\n`;
    expect([...parseManifest(text)]).toEqual([
      ['vm.ovf', { algorithm: 'sha256', digest: SHA256 }],
      ['disk one.vmdk', { algorithm: 'sha1', digest: '0a'.repeat(20) }],
      ['b.vmdk', { algorithm: 'sha512', digest: '0'.repeat(128) }],
    ]);
  });

  test.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['a hash that is none of the standard', `MD5(vm.ovf)= ${'0'.repeat(32)}`],
    ['a hash called as an object calls things', `constructor(vm.ovf)= ${SHA256}`],
    ['a digest that is too short', `SHA256(vm.ovf)= ${'0'.repeat(63)}`],
    ['a digest of the other length', `SHA1(vm.ovf)= ${SHA256}`],
    ['a digest that is no number', `SHA256(vm.ovf)= ${'g'.repeat(64)}`],
    ['a name with a folder', `SHA256(../vm.ovf)= ${SHA256}`],
    ['a name twice', `SHA256(vm.ovf)= ${SHA256}\nSHA256(vm.ovf)= ${'cd'.repeat(32)}`],
    ['a line without end', `SHA256(${'a'.repeat(100_000)})= ${SHA256}`],
    ['more files than any VM', Array.from({ length: 600 }, (_, at) => `SHA256(f${at})= ${SHA256}`).join('\n')],
  ])('of %s is refused', (_, text) => {
    expect(() => parseManifest(text)).toThrow(expect.objectContaining({ code: 'package/malformed-manifest' }));
  });
});

describe('a certificate', () => {
  const manifest = { name: 'vm.mf', bytes: new Uint8Array(0) };
  const pem = (content: string): string => `-----BEGIN CERTIFICATE-----\n${content}\n-----END CERTIFICATE-----\n`;

  test.each([
    ['nothing', ''],
    ['no signature', pem('AAAA')],
    ['half a byte', `SHA256(vm.mf)= abc\n${pem('AAAA')}`],
    ['a signature of another file', `SHA256(other.mf)= abcd\n${pem('AAAA')}`],
    ['no certificate', 'SHA256(vm.mf)= abcd\n'],
    ['a certificate that is none', `SHA256(vm.mf)= abcd\n${pem('AAAA')}`],
  ])('of %s is refused', (_, text) => {
    expect(() => checkCertificate(text, manifest)).toThrow(expect.objectContaining({ code: 'package/malformed-certificate' }));
  });
});
