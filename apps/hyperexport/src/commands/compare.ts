import { formatBytes } from '@hypersdk/domain';
import type { BlockLocator, CompareOutcome } from '@hypersdk/ports';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { progressFlags, type ProgressFlags } from '../flags/output-flags.ts';
import { countParser, parseText } from '../flags/parsers.ts';
import { referenceFlags, type ReferenceFlags } from '../flags/reference-flags.ts';
import { keyFlags, type KeyFlags } from '../flags/key-flags.ts';
import { remoteFlags, type RemoteFlags } from '../flags/remote-flags.ts';
import { locateDisk } from '../locate-disk.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { openTracker } from '../progress/open-tracker.ts';
import type { Services } from '../services.ts';
import { listenForStop, type Stop } from '../stop.ts';
import { WORKERS_MAX } from '../flags/limits.ts';

interface CompareFlags extends ProgressFlags, ReferenceFlags, RemoteFlags, KeyFlags {
  readonly workers?: number;
}

const DIFFERENT_EXIT = 1;

export const compareCommand = buildCommand<CompareFlags, [string, string], CliContext>({
  docs: {
    brief: 'Tell whether two images of any formats hold the same disk',
    fullDescription: `Compares what the guest would see; a shorter disk counts as zeros behind its
end. Exits 0 when equal, 1 when different (and names the first offset that
differs), with another code when the comparison could not be made.

EXAMPLES
  hyperexport compare disk.vmdk disk.qcow2
  hyperexport compare original.raw copy.qcow2 --json
  hyperexport compare nbd://localhost/web-01 copy.qcow2
  hyperexport compare https://images.example.org/debian.qcow2 copy.raw`,
  },
  parameters: {
    flags: {
      workers: { kind: 'parsed', optional: true, parse: countParser({ min: 1, max: WORKERS_MAX }), placeholder: 'N', brief: 'Threads to use' },
      ...referenceFlags,
      ...remoteFlags,
      ...keyFlags,
      ...progressFlags,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { parse: parseText, placeholder: 'IMAGE', brief: 'Disk image, or address (https:, nbd:) of one' },
        { parse: parseText, placeholder: 'IMAGE', brief: 'Disk image to hold against it' },
      ],
    },
  },
  func: compare,
});

async function compare(this: CliContext, flags: CompareFlags, first: string, second: string): Promise<void> {
  const services = await this.services();
  using stop = listenForStop();
  const a = await locateDisk(services, first, { flags, stop, terminal: this.terminal });
  const b = await locateDisk(services, second, { flags, stop, terminal: this.terminal });
  const outcome = await compareWatched(this, services, { a, b, flags, stop });
  respond(this, flags, { document: outcome, text: () => describeOutcome(outcome, { first, second }) });
  if (outcome.result === 'different') this.process.exitCode = DIFFERENT_EXIT;
}

async function compareWatched(
  cli: CliContext,
  services: Services,
  o: { readonly a: BlockLocator; readonly b: BlockLocator; readonly flags: CompareFlags; readonly stop: Stop },
): Promise<CompareOutcome> {
  using tracker = openTracker(cli.terminal, { flags: o.flags, clock: services.clock, verifyPercent: 0, stop: o.stop });
  const transfer = services.transfer({ workers: o.flags.workers });
  const outcome = await transfer.compare(o.a, o.b, {
    signal: o.stop.signal,
    onProgress: (progress) => tracker.report('both', 'comparing', progress),
  });
  tracker.done('both');
  return outcome;
}

function describeOutcome(outcome: CompareOutcome, o: { readonly first: string; readonly second: string }): string {
  if (outcome.result === 'equal') return `The images are equal: ${formatBytes(outcome.virtualSize)}.\n`;
  return `${printable(`${o.first} and ${o.second} differ. ${outcome.what}`)}\n`;
}
