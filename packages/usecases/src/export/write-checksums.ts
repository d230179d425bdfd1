import { createHash } from 'node:crypto';
import type { ExportManifest } from '@hypersdk/domain';
import type { Cancel, StorageTarget } from '@hypersdk/ports';
import { allPackageFiles } from '../package/package-files.ts';
import { artifactName, checksumsName, listFiles, manifestName } from './export-files.ts';

/** Enough for few round trips, little beside the copy's own buffers. */
const CHUNK_SIZE = 4 * 1024 * 1024;

/**
 * Puts a file beside a complete export that `sha256sum -c` takes: one line for each file of it. Images were hashed when they were read back,
 * so their digests are known; the small files are read.
 */
export const writeChecksums =
  (target: StorageTarget) =>
  async (name: string, manifest: ExportManifest, o: Cancel): Promise<string> => {
    const sizes = await listFiles(target, name, o);
    // What lies in an archive is no file of the folder; the archive is.
    const known = new Map(
      manifest.disks
        .filter((disk) => disk.package === undefined)
        .flatMap(({ file, containerDigest, parts = [] }) => [
          [file, containerDigest] as const,
          ...parts.map((part) => [part.file, part.digest] as const),
        ]),
    );
    const small = [
      ...manifest.disks.map((disk) => disk.leaves),
      ...manifest.receipts,
      ...[artifactName, manifestName].map((nameOf) => fileIn(nameOf(name))),
      ...allPackageFiles(name),
    ];
    const lines: string[] = [];
    for (const file of [...known.keys(), ...small.filter((one) => sizes.has(one))].toSorted()) {
      const digest = known.get(file) ?? (await digestOf(target, `${name}/${file}`, { signal: o.signal, size: sizes.get(file)?.size ?? 0 }));
      // GNU coreutils, "md5sum invocation": digest, blank, blank for text or asterisk for binary, name. Our names hold nothing that is escaped.
      lines.push(`${digest}  ${file}\n`);
    }
    await target.put(checksumsName(name), new TextEncoder().encode(lines.join('')), { signal: o.signal, ifAbsent: false });
    return checksumsName(name);
  };

async function digestOf(target: StorageTarget, object: string, { signal, size }: Cancel & { readonly size: number }): Promise<string> {
  const hash = createHash('sha256');
  for (let offset = 0; offset < size; offset += CHUNK_SIZE)
    hash.update(await target.get(object, { signal, range: { offset, length: Math.min(CHUNK_SIZE, size - offset) } }));
  return hash.digest('hex');
}

const fileIn = (object: string): string => object.slice(object.lastIndexOf('/') + 1);
