import { bootControllers, bootFirmwares, imageFormats, type BootController, type BootFirmware, type ImageFormat } from '@hypersdk/domain';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { BOOT_SECONDS, BOOT_SECONDS_MAX } from '../flags/limits.ts';
import { outputFlags, type OutputFlags } from '../flags/output-flags.ts';
import { keyFlags, type KeyFlags } from '../flags/key-flags.ts';
import { remoteFlags, type RemoteFlags } from '../flags/remote-flags.ts';
import { countParser, parseSize, parseText } from '../flags/parsers.ts';

export interface BootFlags extends OutputFlags, RemoteFlags, KeyFlags {
  readonly expect?: readonly string[];
  readonly timeLimit: number;
  readonly firmware?: BootFirmware;
  readonly controller?: BootController;
  readonly memory?: number;
  readonly sourceFormat?: ImageFormat;
  readonly evidence?: string;
  readonly allowUnsandboxed?: boolean;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

export const bootCommand = buildCommand<BootFlags, [string], CliContext>({
  docs: {
    brief: 'Boot an export or image in a throw-away QEMU and say whether it comes up',
    fullDescription: `Starts the guest under an overlay that is thrown away, without a network, in a
sandbox; the images are only read. Its serial console, its screen and what it
reads decide: booted, failed with the reason, or unclear when the time is over.
Screenshot, log and a record are kept beside the first image, or in the current
folder. Firmware and size come from the export; what is not known is tried.
What QEMU cannot open as it lies is read for it: a disk on a server, in an OVA,
in volumes, or encrypted. QEMU itself has no network.

EXAMPLES
  hyperexport boot /backup/web-01
  hyperexport boot disk.qcow2 --firmware uefi
  hyperexport boot /backup/db-01 --expect "database is ready" --time-limit 900
  hyperexport boot https://images.example.org/debian.qcow2
  hyperexport boot /backup/web-01 --identity key.txt
  hyperexport boot disk.vmdk --evidence /tmp/proof --json`,
  },
  parameters: {
    flags: {
      expect: { kind: 'parsed', optional: true, variadic: true, parse: parseText, placeholder: 'TEXT', brief: 'Booted only when it says this' },
      timeLimit: {
        kind: 'parsed',
        parse: countParser({ min: 1, max: BOOT_SECONDS_MAX }),
        default: String(BOOT_SECONDS),
        placeholder: 'SECONDS',
        brief: 'How long each start may take',
      },
      firmware: { kind: 'enum', optional: true, values: bootFirmwares, brief: 'Firmware of the guest' },
      controller: { kind: 'enum', optional: true, values: bootControllers, brief: 'What its disks hang on' },
      memory: { kind: 'parsed', optional: true, parse: parseSize, placeholder: 'SIZE', brief: 'Memory, such as 1G; 4G at most' },
      sourceFormat: { kind: 'enum', optional: true, values: imageFormats, brief: 'Insist on this format of an image' },
      evidence: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'DIR', brief: 'Keep screenshot, log and record here' },
      allowUnsandboxed: { ...onOff, brief: 'Go on where no sandbox works' },
      ...remoteFlags,
      ...keyFlags,
      ...outputFlags,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: parseText, placeholder: 'EXPORT', brief: 'Export folder, its manifest, a disk image, or address (https:, nbd:) of one' }],
    },
  },
  loader: async () => (await import('../boot/run-boot.ts')).runBoot,
});
