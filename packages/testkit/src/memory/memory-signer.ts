import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Cancel, Signer } from '@hypersdk/ports';

/** A fresh Ed25519 key that is gone with the process: the reference for `Signer`. */
export class MemorySigner implements Signer {
  readonly keyId: string;
  readonly publicKey: string;
  readonly #privateKey: KeyObject;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.#privateKey = privateKey;
    this.publicKey = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    this.keyId = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex');
  }

  async sign(bytes: Uint8Array, { signal }: Cancel): Promise<Uint8Array> {
    signal.throwIfAborted();
    return Uint8Array.from(sign(undefined, bytes, this.#privateKey));
  }
}
