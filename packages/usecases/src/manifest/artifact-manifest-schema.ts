import { z } from 'zod';
import { byteCount, count, text } from './field-schemas.ts';

/** The formats that an Artifact Manifest has a word for. */
export const artifactFormats = ['vmdk', 'qcow2', 'raw', 'vhd', 'vhdx', 'vdi'] as const;

// Artifact Manifest 1.0, the hand-over to hyper2kvm. Field names and values are that document's own, hence snake_case.

const DISK_COUNT_MAX = 1024;
const NOTE_COUNT_MAX = 10_000;

/** RFC 3339 with any offset: other writers use local time. */
const timestamp = z.iso.datetime({ offset: true });
const flag = z.boolean().exactOptional();

const source = z.strictObject({
  provider: text,
  vm_id: text,
  vm_name: text,
  datacenter: text.exactOptional(),
  export_timestamp: timestamp.exactOptional(),
  export_method: text.exactOptional(),
});

const vm = z.strictObject({
  cpu: count.exactOptional(),
  mem_gb: count.exactOptional(),
  firmware: z.enum(['bios', 'uefi', 'unknown']).exactOptional(),
  secureboot: flag,
  os_hint: text.exactOptional(),
  os_version: text.exactOptional(),
});

const disk = z.strictObject({
  id: z
    .string()
    .max(255)
    .regex(/^[A-Za-z0-9_-]+$/, 'has other characters than letters, digits, _ and -'),
  source_format: z.enum(artifactFormats),
  bytes: byteCount,
  local_path: text.min(1),
  checksum: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, 'is not sha256: and 64 hexadecimal digits')
    .exactOptional(),
  /** 999 = none. */
  boot_order_hint: count.exactOptional(),
  label: text.exactOptional(),
  disk_type: z.enum(['boot', 'data', 'unknown']).exactOptional(),
});

const nic = z.strictObject({ id: text, mac: text.exactOptional(), network: text.exactOptional() });
const warning = z.strictObject({ stage: text, message: text, timestamp });

const metadata = z.strictObject({
  hypersdk_version: text.exactOptional(),
  job_id: text.exactOptional(),
  created_at: timestamp.exactOptional(),
  tags: z.record(text, text).exactOptional(),
});

const pipeline = z.strictObject({
  inspect: z.strictObject({ enabled: flag, collect_guest_info: flag }).exactOptional(),
  fix: z
    .strictObject({
      enabled: flag,
      backup: flag,
      print_fstab: flag,
      update_grub: flag,
      regen_initramfs: flag,
      fstab_mode: z.enum(['stabilize-all', 'bypath-only', 'noop']).exactOptional(),
      remove_vmware_tools: flag,
    })
    .exactOptional(),
  convert: z.strictObject({ enabled: flag, compress: flag, compress_level: count.exactOptional() }).exactOptional(),
  validate: z.strictObject({ enabled: flag, check_image_integrity: flag }).exactOptional(),
});

/** What the guest should become; its inner shape belongs to the reader. */
const configuration = z.strictObject({
  users: z.unknown().exactOptional(),
  services: z.unknown().exactOptional(),
  hostname: z.unknown().exactOptional(),
  network: z.unknown().exactOptional(),
});

const output = z.strictObject({ directory: text.exactOptional(), format: text.exactOptional(), filename: text.exactOptional() });

const options = z.strictObject({
  dry_run: flag,
  verbose: z.int().min(0).max(3).exactOptional(),
  report: z.strictObject({ enabled: flag, path: text.exactOptional() }).exactOptional(),
});

export const artifactManifestSchema = z
  .strictObject({
    manifest_version: z.literal('1.0'),
    source,
    vm,
    disks: z.array(disk).min(1).max(DISK_COUNT_MAX),
    nics: z.array(nic).max(DISK_COUNT_MAX).exactOptional(),
    notes: z.array(text).max(NOTE_COUNT_MAX).exactOptional(),
    warnings: z.array(warning).max(NOTE_COUNT_MAX).exactOptional(),
    metadata: metadata.exactOptional(),
    pipeline: pipeline.exactOptional(),
    configuration: configuration.exactOptional(),
    output: output.exactOptional(),
    options: options.exactOptional(),
  })
  .meta({ title: 'Artifact Manifest 1.0', description: 'What an export hands over to a converter such as hyper2kvm.' });

/** `local_path` is data from whoever wrote the manifest: ours is a file name beside it, another's may be any path. */
export type ArtifactManifest = z.output<typeof artifactManifestSchema>;
