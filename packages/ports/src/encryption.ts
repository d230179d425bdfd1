/**
 * Who will be able to read an image, in the age format: whoever has the identity of one of the recipients (`age1…`), or the passphrase.
 * The key of a copy that is not finished is kept in `keyFolder`, a folder of this user alone and not beside the copy.
 */
export type Encryption = ({ readonly recipients: readonly string[] } | { readonly passphrase: string }) & { readonly keyFolder: string };

/** What may open an encrypted image: identities (`AGE-SECRET-KEY-…`), and a passphrase. All of it is secret. */
export interface DecryptionKeys {
  readonly identities?: readonly string[];
  readonly passphrase?: string;
}
