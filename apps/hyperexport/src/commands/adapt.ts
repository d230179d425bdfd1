import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { imageFlags, type ImageFlags } from '../flags/image-flags.ts';
import { CONVERSION_SECONDS, CONVERSION_SECONDS_MAX, WORKERS_MAX } from '../flags/limits.ts';
import { progressFlags, type ProgressFlags } from '../flags/output-flags.ts';
import { countParser, parsePath, parsePercent, parseText } from '../flags/parsers.ts';

export interface AdaptFlags extends Pick<ImageFlags, 'format' | 'compression'>, ProgressFlags {
  readonly name?: string;
  readonly verify: number;
  readonly timeLimit: number;
  readonly work?: string;
  readonly workers?: number;
  readonly overwrite?: boolean;
  readonly allowUnsandboxed?: boolean;
  readonly dryRun?: boolean;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

export const adaptCommand = buildCommand<AdaptFlags, [string], CliContext>({
  docs: {
    brief: 'Make the guest of an export fit for KVM, as an export of its own',
    fullDescription: `A guest from another hypervisor may not find its disks under KVM. virt-v2v gives
it the drivers and takes out what the other hypervisor had installed, in Linux
and in Windows. It works on overlays, in a sandbox without a network: the export
stays as it is, byte for byte. The result is copied beside it, proven and signed
like every export; its manifest names what it was made from. What virt-v2v warns
of is shown.

EXAMPLES
  hyperexport adapt /backup/web-01
  hyperexport adapt /backup/web-01 --dry-run
  hyperexport adapt /backup/web-01 --name web-01.new --format raw
  hyperexport boot /backup/web-01-kvm --controller virtio`,
  },
  parameters: {
    flags: {
      name: {
        kind: 'parsed',
        optional: true,
        parse: parseText,
        placeholder: 'NAME',
        brief: 'Folder name of the new export (FOLDER-kvm)',
      },
      format: imageFlags.format,
      compression: imageFlags.compression,
      verify: { kind: 'parsed', parse: parsePercent, default: 'full', placeholder: 'full|N%', brief: 'How much is read back' },
      timeLimit: {
        kind: 'parsed',
        parse: countParser({ min: 1, max: CONVERSION_SECONDS_MAX }),
        default: String(CONVERSION_SECONDS),
        placeholder: 'SECONDS',
        brief: 'How long virt-v2v may take',
      },
      work: { kind: 'parsed', optional: true, parse: parsePath, placeholder: 'DIR', brief: 'Keep overlays here meanwhile (/var/tmp)' },
      workers: { kind: 'parsed', optional: true, parse: countParser({ min: 1, max: WORKERS_MAX }), placeholder: 'N', brief: 'Threads to use' },
      overwrite: { ...onOff, brief: 'Replace an export of this name' },
      allowUnsandboxed: { ...onOff, brief: 'Go on where bubblewrap is missing' },
      dryRun: { ...onOff, brief: 'Only show what would be done' },
      ...progressFlags,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: parsePath, placeholder: 'FOLDER', brief: 'Export to make it from' }],
    },
  },
  loader: async () => (await import('../adapt/run-adapt.ts')).runAdapt,
});
