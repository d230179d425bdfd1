// RFC 8032 signatures (Ed25519) over RFC 8785 canonical JSON.
import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { HyperError, type Receipt, type ReceiptBody } from '@hypersdk/domain';
import type { Cancel, Signer } from '@hypersdk/ports';
import { canonicalJson } from '../manifest/canonical-json.ts';
import { parseDocument } from '../manifest/parse-document.ts';
import { receiptSchema } from './receipt-schema.ts';

export const signReceipt =
  (signer: Signer) =>
  async (body: ReceiptBody, o: Cancel): Promise<Receipt> => {
    const value = await signer.sign(signedBytes(body), o);
    return { body, signature: { algorithm: 'Ed25519', keyId: signer.keyId, value: Buffer.from(value).toString('base64') } };
  };

/** Whether the owner of this key signed exactly this body. `usage/invalid` when the PEM holds no Ed25519 public key. */
export function checkReceipt(receipt: Receipt, publicKeyPem: string): boolean {
  const key = readPublicKey(publicKeyPem);
  if (keyIdOf(key) !== receipt.signature.keyId) return false;
  return verify(undefined, signedBytes(receipt.body), key, Buffer.from(receipt.signature.value, 'base64'));
}

/** Like `checkReceipt`, for callers that cannot go on with a receipt that does not hold. */
export function requireTrusted(receipt: Receipt, publicKeyPem: string): void {
  if (checkReceipt(receipt, publicKeyPem)) return;
  throw new HyperError(
    'receipt/untrusted',
    `The receipt of ${receipt.body.container.file} was not signed with this key, or was changed afterwards.`,
    {
      detail: { keyId: receipt.signature.keyId },
    },
  );
}

/** Reads a receipt that anyone may have written. Says nothing about its signature. */
export const parseReceipt = (bytes: Uint8Array): Receipt =>
  parseDocument(bytes, { what: 'receipt', code: 'receipt/malformed', schema: receiptSchema }).document;

const signedBytes = (body: ReceiptBody): Uint8Array => new TextEncoder().encode(canonicalJson(body));

const keyIdOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');

function readPublicKey(pem: string): KeyObject {
  // Node would derive the public half of a private key; a private key has no business here.
  const key = pem.includes('PRIVATE KEY') ? undefined : tryPublicKey(pem);
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw new HyperError('usage/invalid', 'The public key is not an Ed25519 public key in PEM.');
}

function tryPublicKey(pem: string): KeyObject | undefined {
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}
