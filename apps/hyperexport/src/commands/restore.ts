import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { connectionFlags, type ConnectionFlags, parseConnection } from '../flags/connection-flags.ts';
import { keyFlags, type KeyFlags } from '../flags/key-flags.ts';
import { progressFlags, type ProgressFlags } from '../flags/output-flags.ts';
import { parsePath, parseText } from '../flags/parsers.ts';

export interface RestoreFlags extends ProgressFlags, KeyFlags, ConnectionFlags {
  readonly pool?: string;
  readonly name?: string;
  readonly network?: string;
  readonly keepIdentity?: boolean;
  readonly start?: boolean;
  readonly dryRun?: boolean;
  readonly publicKey?: string;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;
const text = { kind: 'parsed', optional: true, parse: parseText } as const;

export const restoreCommand = buildCommand<RestoreFlags, [string, string], CliContext>({
  docs: {
    brief: 'Make the VM of an export at a hypervisor again',
    fullDescription: `Sends the disks of an export into a storage pool, reads them back there, and
defines a VM of them only when every disk is what was exported. An increment is
restored with all that it lies on. The VM stays off, unless --start is given.

It gets new addresses (UUID, MAC), so that it can stand beside the one it was
made from; --keep-identity makes it that VM again. Firmware, processors, memory
and buses are those it had. Its network cards are connected to the networks of
the same names, to --network NAME, or with --network none to nothing.

What a restore makes is taken away again when it fails or is stopped; what a
killed one left is shown and taken away by hyperexport residue.

EXAMPLES
  hyperexport restore /backup/web-01 qemu:///system
  hyperexport restore /backup/web-01 qemu:///system --name trial --network none
  hyperexport restore /backup/db-01.0014 qemu+ssh://root@host/system --dry-run`,
  },
  parameters: {
    flags: {
      pool: { ...text, placeholder: 'POOL', brief: 'Storage pool for its disks (default)' },
      name: { ...text, placeholder: 'NAME', brief: 'What it is to be called (as it was)' },
      network: { ...text, placeholder: 'NAME', brief: 'What its network cards are connected to, or none' },
      keepIdentity: { ...onOff, brief: 'With the UUID and MAC addresses that it had' },
      start: { ...onOff, brief: 'Start it afterwards' },
      dryRun: { ...onOff, brief: 'Only look whether it can be done' },
      publicKey: { ...text, placeholder: 'FILE', brief: "The exporter's public key, PEM" },
      ...connectionFlags,
      ...keyFlags,
      ...progressFlags,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { parse: parsePath, placeholder: 'FOLDER', brief: 'Export, or its manifest' },
        { parse: parseConnection, placeholder: 'CONNECTION', brief: 'As for list: qemu:///system' },
      ],
    },
  },
  loader: async () => (await import('../restore/run-restore.ts')).runRestore,
});
