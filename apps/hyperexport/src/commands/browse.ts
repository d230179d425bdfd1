import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { connectionFlags } from '../flags/connection-flags.ts';
import { parseText } from '../flags/parsers.ts';
import { profileFlag } from '../flags/profile-flag.ts';
import { remoteFlags } from '../flags/remote-flags.ts';
import { filesFlags, type LookFlags } from '../open-files.ts';

export interface BrowseFlags extends LookFlags {
  readonly to?: string;
  readonly profile?: string;
  readonly plain?: boolean;
}

export const browseCommand = buildCommand<BrowseFlags, [source?: string], CliContext>({
  docs: {
    brief: 'Look through VMs in full screen, choose, export, watch',
    fullDescription: `Lists the VMs of a folder, of libvirt or at an address, with filter, order and
details; then asks for the choices of an export, shows what would be done and
the command that does the same, and runs it. Each export can be paused,
cancelled and gone on with. What earlier runs left unfinished is offered first.
? shows the keys.

It needs a terminal of 80 columns and 24 rows. With --plain, in a smaller one,
on a dumb one, or with HYPEREXPORT_PLAIN=yes for screen readers, questions in
plain lines take its place.

EXAMPLES
  hyperexport browse /var/lib/libvirt/images
  hyperexport browse /vms --to /backup
  hyperexport browse /vms --profile nightly
  hyperexport browse qemu:///system`,
  },
  parameters: {
    flags: {
      to: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'DIR', brief: 'Folder to export to' },
      profile: profileFlag,
      ...filesFlags,
      ...connectionFlags,
      ...remoteFlags,
      plain: { kind: 'boolean', optional: true, withNegated: false, brief: 'Questions in plain lines' },
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: parseText, optional: true, placeholder: 'PATH', brief: 'Folder, image, address or connection' }],
    },
  },
  loader: async () => (await import('../fullscreen/open-browse.ts')).browse,
});
