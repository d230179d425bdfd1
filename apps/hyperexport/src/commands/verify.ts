import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { WORKERS_MAX } from '../flags/limits.ts';
import { keyFlags, type KeyFlags } from '../flags/key-flags.ts';
import { progressFlags, type ProgressFlags } from '../flags/output-flags.ts';
import { remoteFlags, type RemoteFlags } from '../flags/remote-flags.ts';
import { countParser, parsePercent, parsePath, parseText } from '../flags/parsers.ts';

export interface VerifyFlags extends ProgressFlags, KeyFlags, RemoteFlags {
  readonly disk?: string;
  readonly publicKey?: string;
  readonly sample: number;
  readonly workers?: number;
}

export const verifyCommand = buildCommand<VerifyFlags, [string], CliContext>({
  docs: {
    brief: 'Prove that an export is still what was read from its source',
    fullDescription: `Reads the images back, compares every leaf of 4 MiB with what was recorded
when they were exported, and checks the signatures. Damage is named to the
leaf. Nothing but the files and the exporter's public key is needed; without
--public-key this machine's own key is tried. Of an image the receipt beside it
is taken.

Of an .ova or .ovf the files are held against the manifest of the package,
and its signature is checked; whose it is, is shown.

With --disk a disk that lies elsewhere, in any format or on a server, is held
against a receipt: what is signed is its content.

EXAMPLES
  hyperexport verify /backup/web-01
  hyperexport verify /backup/web-01 --public-key exporter.pem
  hyperexport verify appliance.ova
  hyperexport verify a.qcow2.receipt.json --disk nbd://localhost/restored
  hyperexport verify disk.qcow2 --sample 10% --json`,
  },
  parameters: {
    flags: {
      publicKey: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'FILE', brief: "The exporter's public key, PEM" },
      sample: { kind: 'parsed', parse: parsePercent, default: 'full', placeholder: 'full|N%', brief: 'How much is read' },
      workers: { kind: 'parsed', optional: true, parse: countParser({ min: 1, max: WORKERS_MAX }), placeholder: 'N', brief: 'Threads to use' },
      disk: { kind: 'parsed', optional: true, parse: parseText, placeholder: 'DISK', brief: 'Hold this image or address against the receipt' },
      ...remoteFlags,
      ...keyFlags,
      ...progressFlags,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: parsePath, placeholder: 'FOLDER', brief: 'Export, its manifest, a receipt, an image with one beside it, or a package' }],
    },
  },
  loader: async () => (await import('../verify/run-verify.ts')).runVerify,
});
