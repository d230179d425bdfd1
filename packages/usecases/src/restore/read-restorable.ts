import { HyperError, toDiskId, type DiskInfo, type ExportManifest, type ImageRef } from '@hypersdk/domain';
import type { Cancel, DecryptionKeys, ImageInspector, RestorableDisk, StorageTarget } from '@hypersdk/ports';
import { chainOf, type ChainLink, type LinkedDisk } from '../chain/chain-link.ts';
import { imageOfChain } from '../chain/link-image.ts';
import { readLinks } from '../chain/read-links.ts';
import { folderOf } from '../export/export-files.ts';
import { allowParts } from '../export/image-parts.ts';
import { parseExportManifest } from '../manifest/export-manifest.ts';
import { fromManifest } from '../verify/expected-disk.ts';
import { judgeReceipt } from '../verify/judge-receipt.ts';
import { readDocument } from '../verify/read-document.ts';

export interface RestorePorts {
  readonly target: StorageTarget;
  readonly inspector: ImageInspector;
}

export interface RestorableRequest {
  /** Name of an object in the target. */
  readonly manifest: string;
  /** PEM of the exporter's public key; with it, every receipt has to hold. */
  readonly publicKey?: string;
  /** Opens what is encrypted. */
  readonly keys?: DecryptionKeys;
}

/** An export, with all that is needed to make its VM again. */
export interface RestorableExport {
  readonly manifest: ExportManifest;
  readonly disks: readonly RestorableDisk[];
  readonly warnings: readonly string[];
}

/** Reads an export without its content: that is held against the roots told here when it is read. An increment is read through all that it lies on. */
export async function readRestorable(ports: RestorePorts, request: RestorableRequest, o: Cancel): Promise<RestorableExport> {
  const { target } = ports;
  const manifest = parseExportManifest(await readDocument(target, request.manifest, o));
  const folder = request.manifest.slice(0, request.manifest.lastIndexOf('/') + 1);
  await requireReceipts(manifest, request, { ...o, target, folder });
  const links = manifest.mode === 'incremental' ? (await readLinks(target, o)).links : [];
  const head: ChainLink = { name: folder.slice(0, -1), manifest };
  const disks: RestorableDisk[] = [];
  for (const disk of manifest.disks) {
    const image = disk.parent
      ? imageOf(target, links, { link: head, disk })
      : await ports.inspector.refer(`${folderOf(target)}/${folder}${disk.package === undefined ? '' : `${disk.package}/`}${disk.file}`, {
          signal: o.signal,
          format: disk.format,
          references: allowParts({ ...disk, home: `${folderOf(target)}/${folder}` }),
          ...(request.keys ? { keys: request.keys } : {}),
        });
    disks.push({ disk: describe(manifest, disk), source: { kind: 'image', image }, content: disk.content });
  }
  const missing = manifest.vm.disks.filter(({ id }) => !manifest.disks.some((disk) => disk.id === id));
  return { manifest, disks, warnings: missing.map(({ label }) => `The disk ${label} is not in this export: the VM comes back without it.`) };
}

/** Whoever can change an image can write a receipt that fits; only a signature tells. */
async function requireReceipts(
  manifest: ExportManifest,
  { publicKey }: RestorableRequest,
  o: Cancel & { readonly target: StorageTarget; readonly folder: string },
): Promise<void> {
  for (const disk of await fromManifest(manifest, o)) {
    const { findings } = judgeReceipt(disk, publicKey);
    const wrong = findings.find(({ severity }) => severity === 'error');
    if (wrong) throw new HyperError('receipt/untrusted', wrong.summary, { detail: { file: disk.file } });
  }
}

function imageOf(target: StorageTarget, links: readonly ChainLink[], head: LinkedDisk): ImageRef {
  const chain = chainOf(links, head);
  if ('disks' in chain) return imageOfChain(target, chain.disks);
  throw new HyperError('chain/broken', `The chain of ${head.link.name} is broken: ${chain.broken}.`, { detail: { link: chain.at } });
}

function describe({ vm }: ExportManifest, { id, label, content, source }: ExportManifest['disks'][number]): DiskInfo {
  const known = vm.disks.find((disk) => disk.id === id) ?? { id: toDiskId(id), label, location: source.location };
  return { ...known, virtualSize: content.virtualSize };
}
