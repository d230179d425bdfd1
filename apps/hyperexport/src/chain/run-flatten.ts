import { basename, dirname, resolve } from 'node:path';
import { flattenChain, nextLinkName, openPlaces } from '@hypersdk/usecases';
import type { CliContext } from '../cli-context.ts';
import type { ChainFlags } from '../commands/chain.ts';
import { describeExport, toExportDocument } from '../export/describe-export.ts';
import { toImageSettings } from '../flags/image-flags.ts';
import { respond } from '../output/respond.ts';
import { openTracker } from '../progress/open-tracker.ts';
import type { Services } from '../services.ts';
import type { Stop } from '../stop.ts';
import { tool } from '../tool.ts';

interface FlattenTask {
  readonly services: Services;
  readonly stop: Stop;
  readonly flags: ChainFlags;
  readonly folder: string;
}

/** A number behind the name, as links have. */
const NUMBER = /\.\d{4,9}$/;

export async function runFlatten(cli: CliContext, { services, stop, flags, folder }: FlattenTask): Promise<void> {
  const { clock, ids, inspector, archiver } = services;
  const target = await services.target(dirname(folder));
  const link = basename(folder);
  const name = flags.name ?? (await nextLinkName(target, link.replace(NUMBER, ''), stop));
  if (flags.dryRun) {
    respond(cli, flags, { document: { link, name, dryRun: true }, text: () => `Would make the full export ${name} of ${link}\n` });
    return;
  }
  const startedAt = clock.elapsed();
  const ports = {
    transfer: services.transfer({ workers: flags.workers }),
    signer: await services.signer(),
    inspector,
    archiver,
    clock,
    ids,
    target,
    tool,
  };
  using tracker = openTracker(cli.terminal, { flags, clock, verifyPercent: flags.verify, stop });
  const outcome = await flattenChain(ports)(
    { link, name, settings: toImageSettings(flags, 'qcow2'), verifyPercent: flags.verify, parallel: openPlaces(1), restart: flags.restart ?? false },
    {
      signal: stop.signal,
      onProgress: ({ disks }) => {
        for (const disk of disks) {
          if (disk.progress) tracker.report(disk.id, disk.label, disk.progress);
          if (disk.state === 'done') tracker.done(disk.id);
        }
      },
    },
  );
  const finished = { outcome, folder: resolve(dirname(folder), name), elapsedMs: clock.elapsed() - startedAt, publicKeyPath: services.publicKeyPath };
  respond(cli, flags, { document: toExportDocument(finished), text: () => describeExport(finished, cli.terminal) });
}
