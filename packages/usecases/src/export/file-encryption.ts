import type { FileEncryption } from '@hypersdk/domain';
import type { Encryption } from '@hypersdk/ports';

/** What documents say of an encryption: recipients are public, a passphrase is not. */
export function toFileEncryption(encryption: Encryption | undefined): { readonly encryption?: FileEncryption } {
  if (!encryption) return {};
  return { encryption: 'passphrase' in encryption ? { format: 'age' } : { format: 'age', recipients: encryption.recipients } };
}
