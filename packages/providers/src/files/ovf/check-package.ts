import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { HyperError, MIB } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { parseXml } from '@hypersdk/wire';
import { quote } from '../report.ts';
import { Folder } from '../folder.ts';
import { namesOf, readFileNames } from './ovf-disks.ts';
import { checkCertificate, parseManifest, type ManifestEntry, type PackageSigner } from './ovf-manifest.ts';
import { findCompanion, openPackage, openPackaged, rangeOf, readPackaged, toText, type OvfPackage, type PackagedFile } from './ovf-package.ts';

/** What was found when a package was held against its manifest. */
export interface PackageCheck {
  /** Names of the files whose digests are right; empty when the package has no manifest. */
  readonly checked: readonly string[];
  readonly hasManifest: boolean;
  /** Who signed the manifest, when it is signed. Whether to trust them is for a person to say. */
  readonly signer?: PackageSigner;
}

export interface CheckOptions extends Cancel {
  /** Only these files and the descriptor; by default every file that the manifest names. */
  readonly files?: readonly string[];
  readonly onProgress?: (file: string) => void;
}

/** Reads at once; between two of them others get their turn. */
const READ_SIZE = MIB;

/** The package at a path: `x.ova`, or `x.ovf` with its files beside it. Fails as `checkPackage` does. */
export async function checkPackageAt(path: string, o: CheckOptions): Promise<PackageCheck> {
  const folder = await Folder.open(path);
  const file = folder.only === undefined ? undefined : await folder.find(folder.only);
  if (!file || !/\.(?:ova|ovf)$/i.test(posix.basename(file.place))) throw new HyperError('usage/invalid', `${path} is neither an .ova nor an .ovf.`);
  return checkPackage(openPackage(folder, file), o);
}

/**
 * Holds the files of a package against its manifest, and the manifest against its signature. A file that is not what the manifest says is `package/mismatch`,
 * one that is missing `package/missing-file`, one that the descriptor names and the manifest does not `package/mismatch`, a signature that does not hold `package/untrusted`; each names the file. A package may have neither.
 */
export async function checkPackage(found: OvfPackage, o: CheckOptions): Promise<PackageCheck> {
  const [manifest, certificate] = [await findCompanion(found, 'mf'), await findCompanion(found, 'cert')];
  if (!manifest) {
    if (certificate) throw new HyperError('package/missing-file', `${quote(certificate.name)} signs a manifest that is not there.`);
    return { checked: [], hasManifest: false };
  }
  const bytes = await readPackaged(manifest);
  const signer = certificate && checkCertificate(toText(await readPackaged(certificate), certificate.name), { name: manifest.name, bytes });
  const entries = parseManifest(toText(bytes, manifest.name));
  const wanted = o.files === undefined ? [...entries.keys()] : [found.descriptor.name, ...o.files];
  const check = async (name: string): Promise<void> => {
    o.onProgress?.(name);
    await checkFile({ name, file: await found.find(name), entry: entries.get(name) }, o);
  };
  await check(found.descriptor.name);
  // A manifest that leaves a disk out says nothing of it, and a package is not whole when nobody can say so of its disks.
  const referenced = o.files === undefined ? await referencedBy(found) : [];
  for (const href of referenced) if (!namesOf(href).some((name) => entries.has(name))) throw notNamed(href);
  for (const name of new Set(wanted)) if (name !== found.descriptor.name) await check(name);
  return { checked: wanted, hasManifest: true, ...(signer ? { signer } : {}) };
}

/** As the descriptor spells them. */
async function referencedBy({ descriptor }: OvfPackage): Promise<readonly string[]> {
  return readFileNames(parseXml(toText(await readPackaged(descriptor), descriptor.name)));
}

const notNamed = (file: string): HyperError =>
  new HyperError('package/mismatch', `The manifest of the package does not name ${quote(file)}.`, { detail: { file } });

async function checkFile(
  { name, file, entry }: { readonly name: string; readonly file: PackagedFile | undefined; readonly entry: ManifestEntry | undefined },
  o: Cancel,
): Promise<void> {
  if (!entry) throw notNamed(name);
  if (!file)
    throw new HyperError('package/missing-file', `The manifest names ${quote(name)}, which is not in the package.`, { detail: { file: name } });
  const digest = await digestOf(file, { ...o, algorithm: entry.algorithm });
  if (digest === entry.digest) return;
  throw new HyperError('package/mismatch', `${quote(name)} is not what the manifest of the package says: its ${entry.algorithm} is ${digest}.`, {
    detail: { file: name, algorithm: entry.algorithm, expected: entry.digest, found: digest },
  });
}

async function digestOf(file: PackagedFile, o: Cancel & { readonly algorithm: string }): Promise<string> {
  await using handle = await openPackaged(file);
  const { offset, length } = await rangeOf(file, handle);
  const hash = createHash(o.algorithm);
  const buffer = Buffer.allocUnsafe(READ_SIZE);
  for (let done = 0; done < length;) {
    o.signal.throwIfAborted();
    const { bytesRead } = await handle.read(buffer, 0, Math.min(READ_SIZE, length - done), offset + done);
    if (bytesRead === 0) throw new HyperError('source/changed', `${quote(file.name)} became shorter while it was read.`);
    hash.update(buffer.subarray(0, bytesRead));
    done += bytesRead;
  }
  return hash.digest('hex');
}
