import { createHash, createPublicKey, verify } from 'node:crypto';
import type { Signer } from '@hypersdk/ports';
import { expect } from 'vitest';
import { type Check, registerChecks } from './check.ts';
import { calm, expectCancelled } from './expectations.ts';

export type OpenSigner = () => Promise<Signer>;

/** What every signer promises. `open` answers a signer; opened again it may be the same key or another. */
export function signerContract(open: OpenSigner): void {
  registerChecks('signer', checksOfSigner(open));
}

const MESSAGE = new TextEncoder().encode('{"kind":"hypersdk.receipt"}');

export const checksOfSigner = (open: OpenSigner): readonly Check[] => [
  {
    name: 'the public key is an Ed25519 key in PEM, and only the public one',
    run: async () => {
      const { publicKey } = await open();
      expect(publicKey).toContain('-----BEGIN PUBLIC KEY-----');
      expect(publicKey).not.toContain('PRIVATE');
      expect(createPublicKey(publicKey).asymmetricKeyType).toBe('ed25519');
    },
  },
  {
    name: 'the key id is the SHA-256 of the public key',
    run: async () => {
      const { keyId, publicKey } = await open();
      const spki = createPublicKey(publicKey).export({ type: 'spki', format: 'der' });
      expect(keyId).toBe(createHash('sha256').update(spki).digest('hex'));
    },
  },
  {
    name: 'the signature holds for exactly the bytes that were signed',
    run: async () => {
      const signer = await open();
      for (const message of [MESSAGE, new Uint8Array(0), new Uint8Array(100_000).fill(3)]) {
        const signature = await signer.sign(message, calm);
        expect(signature.length).toBe(64);
        expect(verify(undefined, message, signer.publicKey, signature)).toBe(true);
        expect(verify(undefined, Uint8Array.of(...message.subarray(0, 64), 1), signer.publicKey, signature)).toBe(false);
      }
    },
  },
  {
    name: 'a signature once given is not changed by the next',
    run: async () => {
      const signer = await open();
      const first = await signer.sign(MESSAGE, calm);
      await signer.sign(new Uint8Array(8), calm);
      expect(verify(undefined, MESSAGE, signer.publicKey, first)).toBe(true);
    },
  },
  {
    name: 'a cancelled call rejects with the reason',
    run: async () => {
      const signer = await open();
      await expectCancelled((o) => signer.sign(MESSAGE, o));
    },
  },
];
