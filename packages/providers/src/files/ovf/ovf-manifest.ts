// DSP0243 2.1.1, "OVF package": the manifest (.mf) and the certificate (.cert).
import { createVerify, X509Certificate } from 'node:crypto';
import { HyperError } from '@hypersdk/domain';
import { quote } from '../report.ts';

/** The hashes that the versions of the standard name, as Node calls them. SHA-1 is broken for signatures but still tells damage. */
const ALGORITHMS = { SHA1: 'sha1', SHA256: 'sha256', SHA384: 'sha384', SHA512: 'sha512' } as const;
const DIGITS = { sha1: 40, sha256: 64, sha384: 96, sha512: 128 } as const;
export type ManifestAlgorithm = (typeof ALGORITHMS)[keyof typeof ALGORITHMS];

export interface ManifestEntry {
  readonly algorithm: ManifestAlgorithm;
  /** Lower-case hexadecimal. */
  readonly digest: string;
}

/** Files of a package, with room. */
const ENTRIES_MAX = 512;
/** The longest name, the longest digest and some blanks; also what keeps the pattern cheap. */
const LINE_LENGTH_MAX = 512;
/** A signature of the longest RSA key in use has 2048 hexadecimal digits. */
const SIGNATURE_DIGITS_MAX = 8192;

/** `SHA256(disk.vmdk)= 0f…`; some programs write blanks before the parenthesis and the equals sign. */
const ENTRY = /^(SHA\d{1,3}) ?\(([^/\\\p{Cc}]{1,255})\) ?= ?([0-9A-Fa-f]{1,128})$/u;

/** What each file is to be, by name. */
export function parseManifest(text: string): ReadonlyMap<string, ManifestEntry> {
  const entries = new Map<string, ManifestEntry>();
  for (const [index, line] of linesOf(text).entries()) {
    const [, name = '', file = '', digits = ''] = (line.length <= LINE_LENGTH_MAX && ENTRY.exec(line)) || [];
    const algorithm = algorithmOf(name);
    if (!algorithm || digits.length !== DIGITS[algorithm]) throw malformed('manifest', `line ${index + 1} is no digest of a file`);
    if (entries.has(file)) throw malformed('manifest', `it names ${quote(file)} twice`);
    if (entries.size >= ENTRIES_MAX) throw malformed('manifest', `it names more than ${ENTRIES_MAX} files`);
    entries.set(file, { algorithm, digest: digits.toLowerCase() });
  }
  if (entries.size === 0) throw malformed('manifest', 'it names no file');
  return entries;
}

export interface PackageSigner {
  readonly subject: string;
  readonly issuer: string;
  readonly validFrom: string;
  readonly validTo: string;
  /** SHA-256 of the certificate, hexadecimal with colons. */
  readonly thumbprint: string;
}

const SIGNATURE = /^(SHA\d{1,3}) ?\(([^/\\\p{Cc}]{1,255})\) ?= ?([0-9A-Fa-f]+)$/u;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/;

/**
 * Who signed the manifest. The signature is checked with the certificate that comes with it; whether that certificate is to be trusted is for
 * whoever asked to say, so the signer is told in full.
 */
export function checkCertificate(text: string, manifest: { readonly name: string; readonly bytes: Uint8Array }): PackageSigner {
  const [first = ''] = linesOf(text);
  const [, name = '', file = '', digits = ''] = (first.length <= SIGNATURE_DIGITS_MAX + LINE_LENGTH_MAX && SIGNATURE.exec(first)) || [];
  const algorithm = algorithmOf(name);
  if (!algorithm || digits.length % 2 === 1) throw malformed('certificate', 'its first line is no signature');
  if (file !== manifest.name) throw malformed('certificate', `it signs ${quote(file)} and not the manifest`);
  const certificate = parseCertificate(CERTIFICATE.exec(text)?.[0]);
  if (!isSignedBy(certificate, { algorithm, signature: Buffer.from(digits, 'hex'), bytes: manifest.bytes }))
    throw new HyperError(
      'package/untrusted',
      `The manifest ${quote(manifest.name)} is not what was signed by ${quote(oneLine(certificate.subject))}.`,
    );
  const { subject, issuer, validFrom, validTo, fingerprint256 } = certificate;
  return { subject: oneLine(subject), issuer: oneLine(issuer), validFrom, validTo, thumbprint: fingerprint256 };
}

function parseCertificate(pem: string | undefined): X509Certificate {
  if (pem === undefined) throw malformed('certificate', 'it holds no X.509 certificate in PEM');
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw malformed('certificate', 'its X.509 certificate cannot be read', cause);
  }
}

function isSignedBy(
  certificate: X509Certificate,
  o: { readonly algorithm: string; readonly signature: Uint8Array; readonly bytes: Uint8Array },
): boolean {
  try {
    return createVerify(o.algorithm).update(o.bytes).verify(certificate.publicKey, o.signature);
  } catch {
    // A key of a kind that signs nothing.
    return false;
  }
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ');

function algorithmOf(name: string): ManifestAlgorithm | undefined {
  return Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name as keyof typeof ALGORITHMS] : undefined;
}

/** Lines that are not blank; one more than the most allowed, so that too many are noticed. */
const linesOf = (text: string): readonly string[] =>
  text
    .split(/\r?\n/, 2 * ENTRIES_MAX)
    .map((line) => line.trim())
    .filter((line) => line !== '');

const malformed = (what: 'manifest' | 'certificate', why: string, cause?: unknown): HyperError =>
  new HyperError(`package/malformed-${what}`, `The ${what} of this package is refused: ${why}.`, { detail: { why }, cause });
