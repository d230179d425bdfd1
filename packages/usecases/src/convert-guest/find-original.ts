import { HyperError, type ExportManifest, type ImageRef } from '@hypersdk/domain';
import type { Cancel, ImageInspector, StorageTarget } from '@hypersdk/ports';
import { folderOf, manifestName } from '../export/export-files.ts';
import { checkExportName } from '../export/export-name.ts';
import { parseExportManifest } from '../manifest/export-manifest.ts';
import { readDocument } from '../verify/read-document.ts';

/** A guest as an export holds it. In boot order, images and manifest's disks alike. */
export interface OriginalGuest {
  readonly folder: string;
  readonly manifest: ExportManifest;
  readonly images: readonly ImageRef[];
  /** What the images held when they were found. */
  readonly marks: readonly string[];
}

interface Ports {
  readonly target: StorageTarget;
  readonly inspector: Pick<ImageInspector, 'refer' | 'mark'>;
}

/** The export of this folder in the target, if it is one whose images another program can open as they lie there. */
export async function findOriginal({ target, inspector }: Ports, folder: string, { signal }: Cancel): Promise<OriginalGuest> {
  checkExportName(folder);
  const manifest = inBootOrder(parseExportManifest(await readDocument(target, manifestName(folder), { signal })));
  const whyNot = refuse(manifest);
  if (whyNot !== undefined) throw new HyperError('usage/invalid', `${folder} cannot be converted: ${whyNot}.`);
  const images: ImageRef[] = [];
  const marks: string[] = [];
  for (const { file, format } of manifest.disks) {
    const image = await inspector.refer(`${folderOf(target)}/${folder}/${file}`, { signal, format, references: 'refuse' });
    images.push(image);
    marks.push(await inspector.mark(image, { signal }));
  }
  return { folder, manifest, images, marks };
}

function inBootOrder(manifest: ExportManifest): ExportManifest {
  const orderOf = (id: string): number => manifest.vm.disks.find((disk) => disk.id === id)?.bootOrder ?? Number.MAX_SAFE_INTEGER;
  return { ...manifest, disks: manifest.disks.toSorted((a, b) => orderOf(a.id) - orderOf(b.id)) };
}

function refuse({ mode, disks, convertedFrom }: ExportManifest): string | undefined {
  if (convertedFrom) return `it was made from ${convertedFrom.export} by a conversion already`;
  if (mode === 'incremental') return 'it is an increment; make a full export of it with hyperexport chain flatten';
  if (disks.some((disk) => disk.package !== undefined)) return 'its disks lie in an archive; export that to a folder of images first';
  if (disks.some((disk) => disk.encryption)) return 'its images are encrypted, and virt-v2v opens none of those';
  if (disks.some((disk) => disk.parts)) return 'its images lie in several files; export it in another format first';
  return undefined;
}
