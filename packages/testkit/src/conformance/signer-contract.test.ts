import { createHash, generateKeyPairSync } from 'node:crypto';
import type { Signer } from '@hypersdk/ports';
import { MemorySigner } from '../memory/memory-signer.ts';
import { calm } from './expectations.ts';
import { mutate } from './mutate.ts';
import { type Mutant, proveChecks } from './prove-checks.ts';
import { checksOfSigner, type OpenSigner } from './signer-contract.ts';

function mutant(flaw: string, breaks: string, change: (signer: Signer) => Partial<Signer>): Mutant<OpenSigner> {
  return {
    flaw,
    breaks,
    subject: async () => {
      const signer = new MemorySigner();
      return mutate<Signer>(signer, change(signer));
    },
  };
}

proveChecks<OpenSigner>({
  port: 'signer',
  checksOf: checksOfSigner,
  reference: async () => new MemorySigner(),
  mutants: [
    mutant('gives its private key away', 'the public key is an Ed25519 key in PEM, and only the public one', () => ({
      publicKey: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    })),
    mutant('names its key by the PEM text', 'the key id is the SHA-256 of the public key', (signer) => ({
      keyId: createHash('sha256').update(signer.publicKey).digest('hex'),
    })),
    mutant('signs a hash instead of the bytes', 'the signature holds for exactly the bytes that were signed', (signer) => ({
      sign: (bytes, o) => signer.sign(createHash('sha256').update(bytes).digest(), o),
    })),
    mutant('shows another key than it signs with', 'the signature holds for exactly the bytes that were signed', () => ({
      publicKey: new MemorySigner().publicKey,
    })),
    mutant('answers one buffer for all signatures', 'a signature once given is not changed by the next', (signer) => {
      const shared = new Uint8Array(64);
      return {
        sign: async (bytes, o) => {
          shared.set(await signer.sign(bytes, o));
          return shared;
        },
      };
    }),
    mutant('signs although it was cancelled', 'a cancelled call rejects with the reason', (signer) => ({
      sign: (bytes) => signer.sign(bytes, calm),
    })),
  ],
});
