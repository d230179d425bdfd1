import { formatBytes, HyperError } from '@hypersdk/domain';
import type { BlockLocator, FillOutcome, NbdLocator } from '@hypersdk/ports';
import { fillTarget } from '@hypersdk/usecases';
import type { CliContext } from '../cli-context.ts';
import type { ConvertFlags } from '../commands/convert.ts';
import { imageFlags } from '../flags/image-flags.ts';
import { encryptFlags } from '../flags/key-flags.ts';
import { toArgs } from '../flags/to-args.ts';
import { formatOfDisk, locateDisk, nameOfDisk, placeAgain } from '../locate-disk.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { formatFields } from '../output/table.ts';
import { formatDuration } from '../progress/format-progress.ts';
import { openTracker } from '../progress/open-tracker.ts';
import { keepRate } from '../rate/keep-rate.ts';
import { recordRun } from '../run-record.ts';
import type { Services } from '../services.ts';
import { listenForStop, type Stop } from '../stop.ts';

interface Task {
  readonly cli: CliContext;
  readonly services: Services;
  readonly stop: Stop;
  readonly flags: ConvertFlags;
  readonly source: BlockLocator;
  readonly target: NbdLocator;
  readonly targetName: string;
}

interface FinishedFill {
  readonly outcome: FillOutcome;
  readonly elapsedMs: number;
}

/** A conversion whose target is an export of a server: its bytes become those of the disk. */
export async function runFill(cli: CliContext, flags: ConvertFlags, o: { readonly from: string; readonly to: string }): Promise<void> {
  checkFlags(flags);
  const services = await cli.services();
  const target = locateTarget(services, flags, o.to);
  using stop = listenForStop();
  const source = await locateDisk(services, o.from, { flags, stop, terminal: cli.terminal });
  const task: Task = { cli, services, stop, flags, source, target, targetName: o.to };
  const sourceName = nameOfDisk(source, o.from);
  const { json: _json, quiet: _quiet, plain: _plain, restart: _restart, ...choices } = flags;
  const { outcome, elapsedMs } = await recordRun(
    services,
    { command: 'convert', source: sourceName, target: o.to, resume: ['convert', ...toArgs(choices), '--', placeAgain(o.from), o.to] },
    {
      signal: stop.signal,
      work: () => fill(task),
      gain: ({ outcome: { virtualSize, content } }) => ({ bytes: virtualSize, ...(content ? { root: content.root } : {}) }),
    },
  );
  const from = { path: sourceName, format: formatOfDisk(source) };
  respond(cli, flags, {
    document: {
      source: from,
      address: o.to,
      virtualSize: outcome.virtualSize,
      targetSize: outcome.targetSize,
      dataRead: outcome.dataRead,
      root: outcome.content?.root,
      leavesChecked: outcome.leavesChecked,
      elapsedMs: Math.round(elapsedMs),
    },
    text: () => {
      const { virtualSize, targetSize, content, leavesChecked, dataRead } = outcome;
      return (
        `${cli.terminal.paint('green', cli.terminal.paint('bold', printable(o.to)))}: ${content ? 'written and proven' : 'written'}\n` +
        formatFields([
          ['from', `${from.path} (${from.format})`],
          ['size', `${formatBytes(virtualSize)} disk in an export of ${formatBytes(targetSize)}`],
          ['data', `${formatBytes(dataRead)} in ${formatDuration(elapsedMs)}`],
          ...(content
            ? ([
                ['root', content.root],
                ['read back', `in full and equal (${leavesChecked} leaves)`],
              ] as const)
            : ([['proof', 'none was asked for']] as const)),
        ])
      );
    },
  });
}

async function fill({ cli, services, stop, flags, source, target, targetName }: Task): Promise<FinishedFill> {
  const startedAt = services.clock.elapsed();
  const transfer = services.transfer({ workers: flags.workers });
  const isProven = !flags.unverified && !flags.noDigest;
  using rate = keepRate(transfer, flags.limitRate, services.clock);
  using tracker = openTracker(cli.terminal, { flags, clock: services.clock, verifyPercent: isProven ? 100 : 0, stop });
  const outcome = await fillTarget({ filler: transfer, inspector: services.inspector, remotes: services.remotes })(
    {
      source: source.kind === 'image' ? source.image : source,
      target,
      digest: isProven ? 'tree' : 'none',
      overwrite: flags.overwrite ?? false,
      ...(rate.budget === undefined ? {} : { rateLimit: rate.budget }),
    },
    { signal: stop.signal, onProgress: (progress) => tracker.report('image', targetName, progress) },
  );
  tracker.done('image');
  return { outcome, elapsedMs: services.clock.elapsed() - startedAt };
}

function locateTarget({ remotes, ids }: Services, flags: ConvertFlags, to: string): NbdLocator {
  const choices = { allowsPlaintext: flags.allowPlaintext ?? false, isSingle: flags.singleConnection ?? false, pointInTime: ids.next() };
  const target = remotes.locate(to, choices);
  if (!target)
    throw new HyperError('usage/invalid', 'Of addresses, only an export of an NBD server can be written to; name a file, or nbd://HOST/EXPORT');
  if (target.bitmap !== undefined) throw new HyperError('usage/invalid', 'A bitmap says what to read; the address of a target has none');
  return target;
}

/** An export is a disk as the guest sees it: what is about files has no meaning for it. */
function checkFlags(flags: ConvertFlags): void {
  const foreign = [...Object.keys(imageFlags), ...Object.keys(encryptFlags)].find((name) => {
    const value: unknown = Reflect.get(flags, name);
    return value !== undefined && value !== false && !(name === 'format' && value === 'raw');
  });
  if (foreign !== undefined) {
    const flag = foreign.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new HyperError('usage/invalid', `--${flag} is about image files, and the export of a server holds the bytes of the disk`);
  }
  if (flags.verify !== 100)
    throw new HyperError('usage/invalid', 'What is written to a server is read back in full, or with --unverified not at all; leave --verify out');
}
