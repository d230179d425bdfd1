import type { Cancel } from './cancel.ts';

/** Signs receipts with an Ed25519 key that never leaves it. */
export interface Signer {
  /** SHA-256 of the public key's SubjectPublicKeyInfo, hexadecimal. */
  readonly keyId: string;
  /** PEM, for those who verify. */
  readonly publicKey: string;
  sign(bytes: Uint8Array, o: Cancel): Promise<Uint8Array>;
}
