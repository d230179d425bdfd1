import { createHash, createPublicKey, sign, type KeyObject } from 'node:crypto';
import type { Cancel, Signer } from '@hypersdk/ports';
import { loadKey } from './key-file.ts';

/** Signs with an Ed25519 key (RFC 8032) that lies in a file of the user's own. */
export class FileSigner implements Signer {
  readonly keyId: string;
  readonly publicKey: string;
  readonly #privateKey: KeyObject;

  constructor(privateKey: KeyObject) {
    const publicKey = createPublicKey(privateKey);
    this.#privateKey = privateKey;
    this.publicKey = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    this.keyId = createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex');
  }

  /** Reads the key at `path`, or makes it (and `<path>.pub` beside it) when there is none. `signer/unusable-key` when others could read it. */
  static async open(path: string, o: Cancel): Promise<FileSigner> {
    return new FileSigner(await loadKey(path, o));
  }

  async sign(bytes: Uint8Array, { signal }: Cancel): Promise<Uint8Array> {
    signal.throwIfAborted();
    return sign(undefined, bytes, this.#privateKey);
  }
}
