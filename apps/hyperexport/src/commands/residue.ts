import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { connectionFlags, parseConnection, type ConnectionFlags } from '../flags/connection-flags.ts';
import { outputFlags, type OutputFlags } from '../flags/output-flags.ts';

export interface ResidueFlags extends OutputFlags, ConnectionFlags {
  readonly remove?: boolean;
  readonly unknownToo?: boolean;
  readonly goneToo?: boolean;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

export const residueCommand = buildCommand<ResidueFlags, [string], CliContext>({
  docs: {
    brief: 'Show and take away what killed exports left at a hypervisor',
    fullDescription: `To read the disks of VMs, an export makes things at their hypervisor: a backup
job with scratch files, a checkpoint for the next increment, and of a VM that is
off a start without running. Each is recorded here before it is made, and taken
away when the export ends. What a killed export left is shown here, and taken
away with --remove; so does the next export of the same VM.

What goes on and what was kept for increments is not touched; --gone-too takes
away what was kept for exports whose folders were deleted. What bears our
name and is recorded nowhere here was made from another machine, which may still
be at it: only --unknown-too takes that away.

EXAMPLES
  hyperexport residue qemu:///system
  hyperexport residue qemu:///system --remove`,
  },
  parameters: {
    flags: {
      remove: { ...onOff, brief: 'Take it away; otherwise it is only shown' },
      goneToo: { ...onOff, brief: 'Also what was kept for exports that are deleted' },
      unknownToo: { ...onOff, brief: 'Also what was made from other machines' },
      ...connectionFlags,
      ...outputFlags,
    },
    positional: { kind: 'tuple', parameters: [{ parse: parseConnection, placeholder: 'CONNECTION', brief: 'As for list: qemu:///system' }] },
  },
  loader: async () => (await import('../residue/run-residue.ts')).runResidue,
});
