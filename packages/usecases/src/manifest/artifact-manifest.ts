import { GIB, type DiskInfo, type ExportManifest } from '@hypersdk/domain';
import type { ArtifactManifest } from './artifact-manifest-schema.ts';
import { artifactFormats, artifactManifestSchema } from './artifact-manifest-schema.ts';
import { parseDocument } from './parse-document.ts';

/** The document's own word for "takes no part in the boot order". */
const NO_BOOT_ORDER = 999;

/**
 * Says the same as the export manifest in the words of Artifact Manifest 1.0; files lie beside it. What the platform does not say is left out.
 * Undefined when a disk is in a format that it has no word for.
 */
export function toArtifactManifest(manifest: ExportManifest): ArtifactManifest | undefined {
  const { vm } = manifest;
  const disks = toDisks(manifest);
  if (disks.length < manifest.disks.length) return undefined;
  return {
    manifest_version: '1.0',
    source: { provider: vm.provider, vm_id: vm.id, vm_name: vm.name, export_timestamp: manifest.finishedAt, export_method: manifest.tool.name },
    vm: {
      ...(vm.cpus === undefined ? {} : { cpu: vm.cpus }),
      // A whole number there: rounded up, because a guest with less memory than before may not start.
      ...(vm.memory === undefined ? {} : { mem_gb: Math.ceil(vm.memory / GIB) }),
      firmware: vm.firmware,
      ...(vm.secureBoot === undefined ? {} : { secureboot: vm.secureBoot }),
      ...(vm.os === undefined ? {} : { os_hint: vm.os }),
    },
    disks,
    nics: vm.nics.map((nic) => ({ ...nic })),
    notes: manifest.disks.flatMap(toNotes),
    warnings: [],
    metadata: { hypersdk_version: manifest.tool.version, job_id: manifest.exportId, created_at: manifest.finishedAt, tags: { ...vm.tags } },
  };
}

/** What has to be done before the format that is named can be read. */
const toNotes = ({ file, parts, encryption }: ExportManifest['disks'][number], index: number): readonly string[] => [
  ...(parts && file.endsWith('.001') ? [`disk-${index} is split into ${parts.length + 1} volumes; join them in the order of their names first`] : []),
  ...(encryption ? [`disk-${index} is encrypted in the age format; decrypt it first`] : []),
];

/** Reads an Artifact Manifest that anyone may have written; `manifest/malformed` names the field. */
export const parseArtifactManifest = (bytes: Uint8Array): ArtifactManifest =>
  parseDocument(bytes, { what: 'artifact manifest', code: 'manifest/malformed', schema: artifactManifestSchema }).document;

function toDisks(manifest: ExportManifest): ArtifactManifest['disks'] {
  const described = new Map<string, DiskInfo>(manifest.vm.disks.map((disk) => [disk.id, disk]));
  const orders = manifest.disks.map((disk) => described.get(disk.id)?.bootOrder ?? NO_BOOT_ORDER);
  const first = Math.min(...orders);
  return manifest.disks.flatMap((disk, index) => {
    const order = orders[index] ?? NO_BOOT_ORDER;
    const format = artifactFormats.find((known) => known === disk.format);
    if (format === undefined) return [];
    const entry: ArtifactManifest['disks'][number] = {
      id: `disk-${index}`,
      source_format: format,
      bytes: disk.fileSize,
      local_path: disk.file,
      checksum: `sha256:${disk.containerDigest}`,
      boot_order_hint: order,
      label: disk.label,
      disk_type: toDiskType(order, first),
    };
    return [entry];
  });
}

function toDiskType(order: number, first: number): 'boot' | 'data' | 'unknown' {
  if (first === NO_BOOT_ORDER) return 'unknown';
  return order === first ? 'boot' : 'data';
}
