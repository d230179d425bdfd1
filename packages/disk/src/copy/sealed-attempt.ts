import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { HyperError, MIB, type ImageRef } from '@hypersdk/domain';
import type { Encryption } from '@hypersdk/ports';
import type { Sealing } from '../age/chunk-sealer.ts';
import { drawKey, findFileKey } from '../age/file-key.ts';
import { isHeaderOf, readHeader, type AgeHeader } from '../age/header.ts';
import { dropKey, findKey, keepKey } from '../age/kept-key.ts';
import { OpenChunks } from '../age/open-chunks.ts';
import { payloadKey, SALT_SIZE } from '../age/payload.ts';
import { SealedTarget } from '../age/sealed-target.ts';
import { ReadableDiskFile } from '../file/disk-file.ts';
import type { TargetFile } from '../file/target-file.ts';
import { openWhole } from '../file/open-part.ts';
import type { PartialFiles } from './partial-files.ts';

const READ_SIZE = MIB;

/** The encryption of one attempt: what its layout writes to, and what movers need to seal chunks. `fileKey` is secret. */
export interface SealedAttempt extends Disposable {
  readonly file: SealedTarget;
  readonly sealing: Sealing;
  readonly fileKey: Uint8Array;
}

/** What must be the same for an encrypted copy to be continued. A passphrase is tried on the header instead. */
export const describeEncryption = (encryption: Encryption): string =>
  'passphrase' in encryption ? 'passphrase' : encryption.recipients.toSorted().join(' ');

/** Begins a file under a new key, which is kept for a later attempt before anything is encrypted with it. */
export async function beginSealed(encryption: Encryption, files: PartialFiles, medium: TargetFile): Promise<SealedAttempt> {
  const { fileKey, header } = await drawKey(encryption);
  const salt = randomBytes(SALT_SIZE);
  medium.write(0, Buffer.concat([header, salt]));
  // Behind the header, so that whoever gives the copy up can tell by it which key goes too.
  if (!('passphrase' in encryption)) keepKey(encryption.keyFolder, header, fileKey);
  const sealing = { key: payloadKey(fileKey, salt), start: header.length + SALT_SIZE, writtenTo: 0 };
  return sealedAttempt({ fileKey, sealing, file: new SealedTarget({ medium, sealing, open: OpenChunks.create(files.open, fileKey) }) });
}

/** Goes on under the key of the earlier attempt. Fails with `checkpoint/malformed` when that key is not at hand. */
export async function continueSealed(
  encryption: Encryption,
  files: PartialFiles,
  { medium, sealed }: { readonly medium: TargetFile; readonly sealed: Iterable<number> },
): Promise<SealedAttempt> {
  const { header, salt, fileKey } = await readBeginning(encryption, files);
  const sealing = { key: payloadKey(fileKey, salt), start: header.bytes.length + SALT_SIZE, writtenTo: medium.size };
  const open = OpenChunks.continue(files.open, fileKey);
  await open.sync();
  open.confirm();
  return sealedAttempt({ fileKey, sealing, file: new SealedTarget({ medium, sealing, open, sealed }) });
}

const sealedAttempt = (parts: Omit<SealedAttempt, typeof Symbol.dispose>): SealedAttempt => ({
  ...parts,
  [Symbol.dispose]: () => parts.file[Symbol.dispose](),
});

async function readBeginning(
  encryption: Encryption,
  files: PartialFiles,
): Promise<{ readonly header: AgeHeader; readonly salt: Uint8Array; readonly fileKey: Uint8Array }> {
  using file = ReadableDiskFile.open(files.image, { follow: false });
  const header = readHeader(file);
  if (!header || file.size < header.bytes.length + SALT_SIZE) throw lost('its header is not there');
  const salt = Buffer.alloc(SALT_SIZE);
  file.read(header.bytes.length, salt);
  const fileKey = 'passphrase' in encryption ? await tryPassphrase(file, encryption.passphrase) : findKey(encryption.keyFolder, header.bytes);
  if (!fileKey) throw lost('its key is not on this machine');
  if (!isHeaderOf(header, fileKey)) throw lost('its header is damaged');
  return { header, salt, fileKey };
}

async function tryPassphrase(file: ReadableDiskFile, passphrase: string): Promise<Uint8Array | undefined> {
  try {
    return await findFileKey(file, { passphrase });
  } catch (error) {
    if (error instanceof HyperError && error.code === 'encryption/wrong-key') throw lost('it was encrypted with another passphrase');
    throw error;
  }
}

const lost = (why: string): HyperError => new HyperError('checkpoint/malformed', `the earlier attempt cannot be continued: ${why}`);

/** The key of a copy that nobody will go on with; `path` is the file that begins with its header. */
export function forgetKey({ keyFolder }: Encryption, path: string): void {
  try {
    using file = ReadableDiskFile.open(path, { follow: false });
    const header = readHeader(file);
    if (header) dropKey(keyFolder, header.bytes);
  } catch {
    // Without its header nobody can tell which key it was.
  }
}

/** Reads what was sealed last of all, tables and zeros, from the medium: who reads leaves back does not see all of it, and whoever decrypts the file does. */
export async function checkSealedLate(
  { sealed }: { readonly sealed?: SealedAttempt },
  image: Pick<ImageRef, 'path' | 'volumes' | 'fileKey'>,
  signal: AbortSignal,
): Promise<void> {
  if (!sealed) return;
  using file = openWhole(image);
  const piece = Buffer.alloc(READ_SIZE);
  for (const { offset, length } of sealed.file.sealedLate) {
    for (let at = 0; at < length; at += READ_SIZE) {
      file.read(offset + at, piece.subarray(0, Math.min(READ_SIZE, length - at)));
      await setImmediate();
      signal.throwIfAborted();
    }
  }
}
