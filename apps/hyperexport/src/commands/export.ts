import { imageFormats, type ImageFormat } from '@hypersdk/domain';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { connectionFlags, scratchFlag } from '../flags/connection-flags.ts';
import { profileFlag } from '../flags/profile-flag.ts';
import { exportFormats, type ExportFormatFlags } from '../flags/export-format.ts';
import { encryptFlags, type EncryptFlags } from '../flags/key-flags.ts';
import { imageFlags } from '../flags/image-flags.ts';
import { PARALLEL_MAX, WORKERS_MAX } from '../flags/limits.ts';
import { progressFlags, type ProgressFlags } from '../flags/output-flags.ts';
import { countParser, parsePercent, parseText, parseSize } from '../flags/parsers.ts';
import { pointInTimeFlag, remoteFlags } from '../flags/remote-flags.ts';
import { filesFlags, type PlaceFlags } from '../open-files.ts';
import { parseRateLimit, type RateLimit } from '../rate/rate-limit.ts';

export interface ExportFlags extends ExportFormatFlags, ProgressFlags, PlaceFlags, EncryptFlags {
  readonly to: string;
  readonly split?: number;
  readonly name?: string;
  readonly disk?: readonly string[];
  readonly verify: number;
  readonly limitRate?: RateLimit;
  readonly parallel: number;
  readonly workers?: number;
  readonly sourceFormat?: ImageFormat;
  readonly incremental?: boolean;
  readonly noFull?: boolean;
  readonly bitmap?: string;
  readonly overwrite?: boolean;
  readonly restart?: boolean;
  readonly bootProof?: boolean;
  readonly noSpaceCheck?: boolean;
  readonly dryRun?: boolean;
  readonly validateOnly?: boolean;
  readonly all?: boolean;
  readonly match?: string;
  readonly checksums?: 'sha256';
  readonly hook?: string;
  readonly profile?: string;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

/** What an export line may hold. */
export const exportParameters = {
  flags: {
    to: { kind: 'parsed', parse: parseText, placeholder: 'DIR', brief: 'Folder to export to' },
    all: { ...onOff, brief: 'Every VM there, as without a VM' },
    match: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'REGEX', brief: 'VMs whose name matches' },
    name: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'NAME', brief: "Folder name of the export (the VM's name)" },
    disk: { kind: 'parsed', optional: true, variadic: true, parse: parseText, placeholder: 'ID', brief: 'Only this disk; may be given again' },
    ...imageFlags,
    ...encryptFlags,
    split: { kind: 'parsed', optional: true, parse: parseSize, placeholder: 'SIZE', brief: 'Volumes of this size: disk-0.qcow2.001, .002 …' },
    format: { kind: 'enum', optional: true, values: exportFormats, brief: 'Format to write; ova and ovf are for import' },
    verify: { kind: 'parsed', parse: parsePercent, default: 'full', placeholder: 'full|N%', brief: 'How much is read back' },
    limitRate: {
      kind: 'parsed',
      optional: true,
      parse: parseRateLimit,
      placeholder: 'RATE',
      brief: 'Bytes a second at most; may depend on the time',
    },
    parallel: {
      kind: 'parsed',
      parse: countParser({ min: 1, max: PARALLEL_MAX }),
      default: '2',
      placeholder: 'N',
      brief: 'Disks copied at a time, over all VMs',
    },
    workers: { kind: 'parsed', optional: true, parse: countParser({ min: 1, max: WORKERS_MAX }), placeholder: 'N', brief: 'Threads to use' },
    sourceFormat: { kind: 'enum', optional: true, values: imageFormats, brief: 'Insist on this format of the source' },
    ...filesFlags,
    ...connectionFlags,
    ...remoteFlags,
    scratch: scratchFlag,
    pointInTime: pointInTimeFlag,
    incremental: { ...onOff, brief: 'Only what changed since the last export of it in DIR' },
    noFull: { ...onOff, brief: 'With --incremental: fail rather than copy all of a disk' },
    bitmap: {
      kind: 'parsed',
      optional: true,
      parse: parseText,
      placeholder: 'NAME',
      brief: 'QEMU bitmap of what changed since --point-in-time NAME',
    },
    overwrite: { ...onOff, brief: 'Replace an export of this name' },
    restart: { ...onOff, brief: 'Begin anew instead of going on' },
    bootProof: { ...onOff, brief: 'Boot the copy in QEMU afterwards; see hyperexport boot' },
    noSpaceCheck: { ...onOff, brief: 'Begin even if the target may be too small' },
    dryRun: { ...onOff, brief: 'Only show what would be done' },
    validateOnly: { ...onOff, brief: 'Only say whether it could be done' },
    checksums: { kind: 'enum', optional: true, values: ['sha256'], brief: 'Write SHA256SUMS beside the images' },
    hook: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'PROGRAM', brief: 'Program told of the end, in JSON' },
    profile: profileFlag,
    ...progressFlags,
  },
  positional: {
    kind: 'array',
    minimum: 1,
    parameter: {
      parse: parseText,
      placeholder: 'PATH',
      brief: 'Folder, image, address or connection, then VMs by name or id',
    },
  },
} as const;

export const exportCommand = buildCommand<ExportFlags, [string, ...string[]], CliContext>({
  docs: {
    brief: 'Copy the disks of VMs to a folder, prove the copy, sign a receipt',
    fullDescription: `PATH is a folder of disk images, one image, or an OVA or OVF. Without a VM
every VM found there is exported, each to a folder of its own below DIR; all
share the limits. A copy gets its name only when it is on the medium and was
read back; a receipt signed with your key says so. When a run is stopped or
killed, the same command goes on where it was, and so does "hyperexport
resume". With --format ova or ovf the disks become a package that VMware,
VirtualBox and virt-v2v import. An export of an NBD server or an image on a web
server is a VM of one disk, called by --name or as it is there.

The VMs of libvirt are read as they are at one moment while they run on; one
that is off is started without running for as long as that takes. What is made
there for it is taken away again, after a crash by the next export of the VM or
by "hyperexport residue".

With --incremental an export goes to a folder of its own beside the last one
and holds only what changed; see hyperexport chain. What changed is told by a
qcow2 overlay that was put upon what was exported, by a bitmap of an NBD
server, or by a checkpoint of libvirt; otherwise all is read and compared. Where
an increment cannot be, all is copied, and the manifest says why.

EXAMPLES
  hyperexport export /var/lib/libvirt/images web-01 --to /backup
  hyperexport export disk.vmdk --to /backup --format qcow2 --compression zstd
  hyperexport export a.raw --to /x --format vmdk --subformat streamOptimized
  hyperexport export /vms web-01 --to /x --format ova
  hyperexport export disk.raw --to /mnt/nas --limit-rate 50M --verify 10%
  hyperexport export /vms --match '^web-' --to /backup --parallel 4
  hyperexport export /vms --to /x --limit-rate 08:00-18:00=50M,*=500M
  hyperexport export nbd://localhost/web-01 --to /backup --name web-01
  hyperexport export /vms web-01 --to /backup --incremental
  hyperexport export qemu:///system web-01 --to /backup --incremental
  hyperexport export /vms web-01 --to /backup --dry-run`,
  },
  parameters: exportParameters,
  loader: async () => (await import('../export/run-export.ts')).runExport,
});
