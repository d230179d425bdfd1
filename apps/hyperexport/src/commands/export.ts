import { imageFormats, type ImageFormat } from '@hypersdk/domain';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { imageFlags, type ImageFlags } from '../flags/image-flags.ts';
import { PARALLEL_MAX, WORKERS_MAX } from '../flags/limits.ts';
import { progressFlags, type ProgressFlags } from '../flags/output-flags.ts';
import { countParser, parsePercent, parseSize, parseText } from '../flags/parsers.ts';
import { filesFlags, type FilesFlags } from '../open-files.ts';

export interface ExportFlags extends ImageFlags, ProgressFlags, FilesFlags {
  readonly to: string;
  readonly name?: string;
  readonly disk?: readonly string[];
  readonly verify: number;
  readonly limitRate?: number;
  readonly parallel: number;
  readonly workers?: number;
  readonly sourceFormat?: ImageFormat;
  readonly overwrite?: boolean;
  readonly restart?: boolean;
  readonly dryRun?: boolean;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

export const exportCommand = buildCommand<ExportFlags, [string, ...string[]], CliContext>({
  docs: {
    brief: 'Copy the disks of VMs to a folder, prove the copy, sign a receipt',
    fullDescription: `PATH is a folder of disk images, or one image. Without a VM every VM found
there is exported, each to a folder of its own below DIR. A copy gets its name
only when it is on the medium and was read back; a receipt signed with your
key says so. When a run is stopped or killed, the same command goes on where
it was, and so does "hyperexport resume".

EXAMPLES
  hyperexport export /var/lib/libvirt/images web-01 --to /backup
  hyperexport export disk.vmdk --to /backup --format qcow2 --compression zstd
  hyperexport export a.raw --to /x --format vmdk --subformat streamOptimized
  hyperexport export disk.raw --to /mnt/nas --limit-rate 50M --verify 10%
  hyperexport export /vms web-01 --to /backup --dry-run`,
  },
  parameters: {
    flags: {
      to: { kind: 'parsed', parse: parseText, placeholder: 'DIR', brief: 'Folder to export to' },
      name: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'NAME', brief: "Folder name of the export (the VM's name)" },
      disk: { kind: 'parsed', optional: true, variadic: true, parse: parseText, placeholder: 'ID', brief: 'Only this disk; may be given again' },
      ...imageFlags,
      verify: { kind: 'parsed', parse: parsePercent, default: 'full', placeholder: 'full|N%', brief: 'How much is read back' },
      limitRate: { kind: 'parsed', optional: true, parse: parseSize, placeholder: 'SIZE', brief: 'Bytes a second at most, such as 50M' },
      parallel: {
        kind: 'parsed',
        parse: countParser({ min: 1, max: PARALLEL_MAX }),
        default: '2',
        placeholder: 'N',
        brief: 'Disks copied at a time',
      },
      workers: { kind: 'parsed', optional: true, parse: countParser({ min: 1, max: WORKERS_MAX }), placeholder: 'N', brief: 'Threads to use' },
      sourceFormat: { kind: 'enum', optional: true, values: imageFormats, brief: 'Insist on this format of the source' },
      ...filesFlags,
      overwrite: { ...onOff, brief: 'Replace an export of this name' },
      restart: { ...onOff, brief: 'Begin anew instead of going on' },
      dryRun: { ...onOff, brief: 'Only show what would be done' },
      ...progressFlags,
    },
    positional: {
      kind: 'array',
      minimum: 1,
      parameter: { parse: parseText, placeholder: 'PATH', brief: 'Folder or image, then the VMs in it by name or id' },
    },
  },
  loader: async () => (await import('../export/run-export.ts')).runExport,
});
