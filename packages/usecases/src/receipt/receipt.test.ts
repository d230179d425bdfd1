import { generateKeyPairSync } from 'node:crypto';
import { calm, MemorySigner } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { writeDocument } from '../manifest/export-manifest.ts';
import { receiptBody as body } from './build-receipt.ts';
import { checkReceipt, parseReceipt, requireTrusted, signReceipt } from './receipt.ts';

describe('receipt', () => {
  test('what was signed holds, also after it was written and read', async () => {
    const signer = new MemorySigner();
    const receipt = await signReceipt(signer)(body, calm);
    expect(receipt.signature.keyId).toBe(signer.keyId);
    expect(checkReceipt(receipt, signer.publicKey)).toBe(true);
    expect(checkReceipt(parseReceipt(writeDocument(receipt)), signer.publicKey)).toBe(true);
  });

  test('another key, another body or another signature does not hold', async () => {
    const signer = new MemorySigner();
    const receipt = await signReceipt(signer)(body, calm);
    const other = new MemorySigner();
    const forgeries = [
      { ...receipt, body: { ...body, content: { ...body.content, root: 'c'.repeat(64) } } },
      { ...receipt, body: { ...body, source: { ...body.source, vm: 'db' } } },
      { ...receipt, signature: { ...receipt.signature, keyId: other.keyId } },
      { ...receipt, signature: { ...receipt.signature, value: Buffer.alloc(64).toString('base64') } },
    ];
    for (const forgery of forgeries) expect(checkReceipt(forgery, signer.publicKey)).toBe(false);
    expect(checkReceipt(receipt, other.publicKey)).toBe(false);
    expect(() => requireTrusted(receipt, other.publicKey)).toThrow(expect.objectContaining({ code: 'receipt/untrusted' }));
    expect(() => requireTrusted(receipt, signer.publicKey)).not.toThrow();
  });

  test('what is no Ed25519 public key is refused, a private key too', async () => {
    const receipt = await signReceipt(new MemorySigner())(body, calm);
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const secret = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    for (const pem of ['', 'no key', rsa, secret])
      expect(() => checkReceipt(receipt, pem)).toThrow(expect.objectContaining({ code: 'usage/invalid' }));
  });

  test.each([
    ['an unknown field', { extra: 1 }, {}],
    ['a file outside the folder', { container: { ...body.container, file: '../x' } }, {}],
    ['a result other than equal', { verification: { ...body.verification, result: 'unknown' } }, {}],
    ['a short signature', {}, { value: 'AA==' }],
    ['another algorithm', {}, { algorithm: 'RSA' }],
  ])('%s is refused when it is read', async (_, inBody, inSignature) => {
    const receipt = await signReceipt(new MemorySigner())(body, calm);
    const changed = { body: { ...body, ...inBody }, signature: { ...receipt.signature, ...inSignature } };
    expect(() => parseReceipt(writeDocument(changed))).toThrow(expect.objectContaining({ code: 'receipt/malformed' }));
  });

  test('a file with an unusual name may have a receipt', async () => {
    const named = { ...body, container: { ...body.container, file: 'Mein Büro (1).qcow2' } };
    const receipt = await signReceipt(new MemorySigner())(named, calm);
    expect(parseReceipt(writeDocument(receipt))).toEqual(receipt);
  });
});
