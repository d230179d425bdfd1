// RFC 5802, "Salted Challenge Response Authentication Mechanism", with SHA-256 as in RFC 7677. No channel binding.
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { HyperError } from '@hypersdk/domain';

/** RFC 7677 §4: fewer rounds make a stolen exchange cheap to guess from. */
const ROUNDS_MIN = 4096;
/** A server may not make a client compute for minutes. */
const ROUNDS_MAX = 1_000_000;
const NONCE_SIZE = 18;
const DIGEST = 'sha256';
const DIGEST_SIZE = 32;
/** §7: no channel binding, and none offered. */
const GS2_HEADER = 'n,,';

/** One exchange: the client's first message, its proof, and the check of the server's. */
export class ScramExchange {
  readonly #password: string;
  readonly #nonce: string;
  readonly #firstBare: string;
  #expected: Buffer | undefined;

  constructor(user: string, password: string, nonce = randomBytes(NONCE_SIZE).toString('base64')) {
    this.#password = password;
    this.#nonce = nonce;
    // §5.1: commas and equal signs in a name are spelled out.
    this.#firstBare = `n=${user.normalize('NFKC').replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  }

  first(): string {
    return GS2_HEADER + this.#firstBare;
  }

  /** The proof for the server's first message. */
  answer(challenge: string): string {
    const fields = fieldsOf(challenge);
    const nonce = fields.get('r') ?? '';
    const salt = Buffer.from(fields.get('s') ?? '', 'base64');
    const rounds = Number(fields.get('i'));
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length) throw refused('its nonce does not go on from ours');
    if (salt.length === 0 || !Number.isInteger(rounds) || rounds < ROUNDS_MIN || rounds > ROUNDS_MAX)
      throw refused(`its salt or its ${String(fields.get('i'))} rounds are not to be used`);

    const salted = pbkdf2Sync(this.#password.normalize('NFKC'), salt, rounds, DIGEST_SIZE, DIGEST);
    const clientKey = hmac(salted, 'Client Key');
    const withoutProof = `c=${Buffer.from(GS2_HEADER).toString('base64')},r=${nonce}`;
    const message = `${this.#firstBare},${challenge},${withoutProof}`;
    const signature = hmac(createHash(DIGEST).update(clientKey).digest(), message);
    this.#expected = hmac(hmac(salted, 'Server Key'), message);
    return `${withoutProof},p=${Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0))).toString('base64')}`;
  }

  /** Fails unless the server knows the password too. */
  verify(final: string): void {
    const signature = Buffer.from(fieldsOf(final).get('v') ?? '', 'base64');
    const expected = this.#expected;
    if (!expected || signature.length !== expected.length || !timingSafeEqual(signature, expected))
      throw refused('it does not know the password itself');
  }
}

const hmac = (key: Uint8Array, text: string): Buffer => createHmac(DIGEST, key).update(text).digest();

const fieldsOf = (message: string): ReadonlyMap<string, string> =>
  new Map(message.split(',').map((field) => [field.slice(0, 1), field.slice(2)] as const));

const refused = (why: string): HyperError => new HyperError('libvirt/forbidden', `Logging in at the libvirt server was broken off: ${why}.`);
