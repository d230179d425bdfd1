import {
  diskBuses,
  providerKinds,
  toConnectionId,
  toDiskId,
  toVMId,
  type DiskInfo,
  type ExportedDisk,
  type ExportManifest,
  type VMInfo,
} from '@hypersdk/domain';
import { z } from 'zod';
import {
  byteCount,
  consistency,
  contentDigest,
  count,
  exportedFileName,
  fileEncryption,
  imageFormat,
  imageParts,
  sha256,
  text,
  time,
  tool,
} from './field-schemas.ts';

/** More disks than any platform attaches to one VM. */
const DISK_COUNT_MAX = 1024;
const NIC_COUNT_MAX = 1024;
/** As many images as a provider lists below a disk. */
const BACKING_COUNT_MAX = 1024;

const diskInfo = z.strictObject({
  id: text.min(1).transform(toDiskId),
  label: text,
  virtualSize: byteCount,
  allocatedSize: byteCount.exactOptional(),
  format: imageFormat.exactOptional(),
  location: text,
  partCount: count.exactOptional(),
  isEncrypted: z.literal(true).exactOptional(),
  bootOrder: count.exactOptional(),
  bus: z.enum(diskBuses).exactOptional(),
  backing: z.array(text).max(BACKING_COUNT_MAX).exactOptional(),
}) satisfies z.ZodType<DiskInfo>;

const nicInfo = z.strictObject({ id: text, mac: text.exactOptional(), network: text.exactOptional() });

export const vmInfoSchema = z.strictObject({
  id: text.min(1).transform(toVMId),
  name: text,
  provider: z.enum(providerKinds),
  connection: text.transform(toConnectionId),
  powerState: z.enum(['running', 'stopped', 'suspended', 'unknown']),
  cpus: count.exactOptional(),
  memory: byteCount.exactOptional(),
  os: text.exactOptional(),
  arch: text.exactOptional(),
  machine: text.exactOptional(),
  firmware: z.enum(['bios', 'uefi', 'unknown']),
  secureBoot: z.boolean().exactOptional(),
  tpm: z.boolean().exactOptional(),
  guestAgent: z.enum(['connected', 'silent']).exactOptional(),
  hasSavedMemory: z.boolean().exactOptional(),
  disks: z.array(diskInfo).max(DISK_COUNT_MAX),
  nics: z.array(nicInfo).max(NIC_COUNT_MAX),
  tags: z.record(text, text),
  path: text.exactOptional(),
  createdAt: text.exactOptional(),
  updatedAt: text.exactOptional(),
}) satisfies z.ZodType<VMInfo>;

const exportedDisk = z.strictObject({
  id: text.min(1),
  label: text,
  file: exportedFileName,
  package: exportedFileName.exactOptional(),
  leaves: exportedFileName,
  format: imageFormat,
  subformat: text.exactOptional(),
  encryption: fileEncryption.exactOptional(),
  fileSize: byteCount,
  containerDigest: sha256,
  parts: imageParts(exportedFileName).exactOptional(),
  content: contentDigest,
  source: z.strictObject({ location: text, mark: text, format: imageFormat.exactOptional() }),
  parent: z
    .strictObject({ exportId: text.min(1), export: exportedFileName, file: exportedFileName, root: sha256, containerDigest: sha256 })
    .exactOptional(),
  changesBy: z.enum(['source', 'comparison']).exactOptional(),
  fullReason: text.exactOptional(),
}) satisfies z.ZodType<ExportedDisk>;

interface NamesFiles {
  readonly disks: readonly Pick<ExportedDisk, 'file' | 'leaves' | 'parts'>[];
  readonly receipts: readonly string[];
}

function namesEachFileOnce({ disks, receipts }: NamesFiles): boolean {
  const names = [...disks.flatMap(({ file, leaves, parts = [] }) => [file, leaves, ...parts.map((part) => part.file)]), ...receipts];
  return new Set(names).size === names.length;
}

export const exportManifestSchema = z
  .strictObject({
    kind: z.literal('hypersdk.export-manifest'),
    version: z.literal(1),
    exportId: text.min(1),
    tool,
    startedAt: time,
    finishedAt: time,
    mode: z.enum(['full', 'incremental']),
    flattenedFrom: z.strictObject({ exportId: text.min(1), export: exportedFileName }).exactOptional(),
    convertedFrom: z
      .strictObject({ exportId: text.min(1), export: exportedFileName, roots: z.array(sha256).min(1).max(DISK_COUNT_MAX), by: tool })
      .exactOptional(),
    consistency,
    vm: vmInfoSchema,
    disks: z.array(exportedDisk).min(1).max(DISK_COUNT_MAX),
    receipts: z.array(exportedFileName).max(DISK_COUNT_MAX),
    selfDigest: sha256,
  })
  .refine((manifest) => manifest.receipts.length === manifest.disks.length, { path: ['receipts'], error: 'does not name one receipt for each disk' })
  .refine(({ mode, disks }) => (mode === 'incremental') === disks.some(({ parent }) => parent !== undefined), {
    path: ['mode'],
    error: 'does not fit the parents of its disks',
  })
  .refine(namesEachFileOnce, { path: ['disks'], error: 'name a file twice' })
  .meta({
    title: 'HyperSDK export manifest, version 1',
    description: 'Written last: when it is there and its selfDigest holds, the export is complete.',
  }) satisfies z.ZodType<ExportManifest>;
