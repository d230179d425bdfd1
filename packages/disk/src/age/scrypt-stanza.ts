// The age format, version 1 (C2SP), "The scrypt recipient type", with Node's own scrypt: ten times as fast as the library's, and on another thread.
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Identity, Recipient, Stanza } from 'age-encryption';
import { HyperError } from '@hypersdk/domain';

const LABEL = 'age-encryption.org/v1/scrypt';
/** age's own choice: 2^18 steps, 256 MiB, about a second. */
const WORK_USUAL = 18;
/** A gibibyte, a few seconds. Only a hostile file asks for more. */
const WORK_MAX = 20;
const BLOCK_SIZE = 8;
const SALT_SIZE = 16;
const KEY_SIZE = 32;
const TAG_SIZE = 16;
const FILE_KEY_SIZE = 16;
const ALGORITHM = 'chacha20-poly1305';
/** Each key wraps one file key only. */
const NONCE = new Uint8Array(12);

const derive = promisify<string, Uint8Array, number, Parameters<typeof scrypt>[3], Buffer>(scrypt);

function wrappingKey(passphrase: string, salt: Uint8Array, work: number): Promise<Buffer> {
  const N = 2 ** work;
  // RFC 7914, section 6: 128 r N bytes, and a little for the rest.
  const maxmem = 128 * BLOCK_SIZE * (N + 8) + 1024 * 1024;
  return derive(passphrase, Buffer.concat([Buffer.from(LABEL), salt]), KEY_SIZE, { N, r: BLOCK_SIZE, p: 1, maxmem });
}

/** Hands a file key to whoever knows the passphrase. `toStanza` makes a stanza of the library's. */
export const scryptRecipient = (passphrase: string, toStanza: (args: string[], body: Uint8Array) => Stanza): Recipient => ({
  wrapFileKey: async (fileKey) => {
    const salt = randomBytes(SALT_SIZE);
    const cipher = createCipheriv(ALGORITHM, await wrappingKey(passphrase, salt, WORK_USUAL), NONCE, { authTagLength: TAG_SIZE });
    const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
    return [toStanza(['scrypt', salt.toString('base64').replace(/=+$/, ''), String(WORK_USUAL)], body)];
  },
});

/** Takes the file key out again; answers null when the passphrase is another one, as the library wants it. */
export const scryptIdentity = (passphrase: string): Identity => ({
  unwrapFileKey: async (stanzas) => {
    const [stanza, other] = stanzas;
    if (!stanza || other) throw malformed('its header asks for a passphrase in a way that age does not know');
    const [kind, encodedSalt = '', encodedWork = ''] = stanza.args;
    const salt = Buffer.from(encodedSalt, 'base64');
    const isWellFormed = stanza.args.length === 3 && kind === 'scrypt' && salt.length === SALT_SIZE && /^[1-9]\d{0,2}$/.test(encodedWork);
    if (!isWellFormed || stanza.body.length !== FILE_KEY_SIZE + TAG_SIZE)
      throw malformed('its header asks for a passphrase in a way that age does not know');
    const work = Number(encodedWork);
    if (work > WORK_MAX) throw malformed(`its passphrase would take 2^${work} steps to try, and 2^${WORK_MAX} are the most that is worth it`);
    const decipher = createDecipheriv(ALGORITHM, await wrappingKey(passphrase, salt, work), NONCE, { authTagLength: TAG_SIZE });
    decipher.setAuthTag(stanza.body.subarray(FILE_KEY_SIZE));
    const fileKey = decipher.update(stanza.body.subarray(0, FILE_KEY_SIZE));
    try {
      decipher.final();
      return fileKey;
    } catch {
      return null;
    }
  },
});

/** `why` is half of a sentence, which whoever knows the file completes. */
const malformed = (why: string): HyperError => new HyperError('encryption/malformed', why);
