import { basename, dirname, resolve } from 'node:path';
import { formatBytes, HyperError, type ImageRef } from '@hypersdk/domain';
import type { Signer } from '@hypersdk/ports';
import { convertImage, type ConvertOutcome } from '@hypersdk/usecases';
import type { CliContext } from '../cli-context.ts';
import type { ConvertFlags } from '../commands/convert.ts';
import { formatOfName, toImageSettings } from '../flags/image-flags.ts';
import { toArgs } from '../flags/to-args.ts';
import { shellWord } from '../output/shell-word.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { formatFields } from '../output/table.ts';
import { formatDuration, formatSpeed } from '../progress/format-progress.ts';
import { openTracker } from '../progress/open-tracker.ts';
import { recordRun } from '../run-record.ts';
import type { Services } from '../services.ts';
import { listenForStop, type Stop } from '../stop.ts';
import { tool } from '../tool.ts';

interface Task {
  readonly cli: CliContext;
  readonly services: Services;
  readonly stop: Stop;
  readonly flags: ConvertFlags;
  readonly source: ImageRef;
  readonly target: string;
}

interface Finished {
  readonly outcome: ConvertOutcome;
  readonly elapsedMs: number;
}

export async function runConvert(this: CliContext, flags: ConvertFlags, from: string, to: string): Promise<void> {
  const services = await this.services();
  using stop = listenForStop();
  const source = await services.inspector.refer(resolve(from), {
    signal: stop.signal,
    references: flags.followReferences ? 'beside' : 'refuse',
    ...(flags.sourceFormat === undefined ? {} : { format: flags.sourceFormat }),
  });
  const task: Task = { cli: this, services, stop, flags, source, target: resolve(to) };
  const finished = flags.unverified ? await convert(task) : await convertRemembered(task);
  respond(this, flags, { document: toDocument(task, finished), text: () => describe(task, finished) });
}

/** What can go on after a stop is worth remembering. */
function convertRemembered(task: Task): Promise<Finished> {
  const { services, stop, flags, source, target } = task;
  const { json: _json, quiet: _quiet, plain: _plain, restart: _restart, ...choices } = flags;
  const resume = ['convert', ...toArgs(choices), '--', source.path, target];
  return recordRun(
    services,
    { command: 'convert', source: source.path, target, resume },
    {
      signal: stop.signal,
      work: () => convert(task),
      gain: ({ outcome: { copy } }) => ({ bytes: copy.virtualSize, ...(copy.content ? { root: copy.content.root } : {}) }),
    },
  );
}

async function convert({ cli, services, stop, flags, source, target }: Task): Promise<Finished> {
  const startedAt = services.clock.elapsed();
  const isProven = !flags.unverified && !flags.noDigest;
  const folder = await services.target(dirname(target));
  const ports = {
    transfer: services.transfer({ workers: flags.workers }),
    inspector: services.inspector,
    signer: isProven ? await services.signer() : noSigner,
    clock: services.clock,
    target: folder,
    tool,
  };
  const request = {
    source,
    path: `${folder.folder ?? dirname(target)}/${basename(target)}`,
    settings: toImageSettings(flags, formatOfName(target) ?? unknownFormat(target, flags)),
    digest: isProven ? 'tree' : 'none',
    durability: flags.unverified ? 'none' : 'sync',
    verifyPercent: flags.verify,
    ...(flags.limitRate === undefined ? {} : { rateLimit: flags.limitRate }),
    overwrite: flags.overwrite ?? false,
    restart: flags.restart ?? false,
    receipt: isProven,
  } as const;
  using tracker = openTracker(cli.terminal, { flags, clock: services.clock, verifyPercent: isProven ? flags.verify : 0, stop });
  const outcome = await convertImage(ports)(request, {
    signal: stop.signal,
    onProgress: (progress) => tracker.report('image', basename(target), progress),
  });
  tracker.done('image');
  return { outcome, elapsedMs: services.clock.elapsed() - startedAt };
}

/** A conversion without a receipt needs no key, so none is made for it. */
const noSigner: Signer = {
  keyId: '',
  publicKey: '',
  sign: () => Promise.reject(new HyperError('internal/unexpected', 'A receipt was to be signed for a conversion without proof')),
};

function unknownFormat(target: string, flags: ConvertFlags): 'raw' {
  if (flags.format === undefined) throw new HyperError('usage/invalid', `The name ${basename(target)} does not say a format; name one with --format`);
  return 'raw';
}

const toDocument = ({ services, source, target }: Task, { outcome, elapsedMs }: Finished): unknown => ({
  source: { path: source.path, format: source.format },
  path: target,
  virtualSize: outcome.copy.virtualSize,
  fileSize: outcome.copy.fileSize,
  dataRead: outcome.copy.dataRead,
  resumedAt: outcome.copy.resumedAt,
  root: outcome.copy.content?.root,
  containerDigest: outcome.copy.containerDigest,
  leavesChecked: outcome.copy.leavesChecked,
  receipt: outcome.receiptName === undefined ? undefined : `${dirname(target)}/${outcome.receiptName}`,
  signerKeyId: outcome.receipt?.signature.keyId,
  publicKey: outcome.receipt === undefined ? undefined : services.publicKeyPath,
  warnings: outcome.copy.warnings,
  elapsedMs: Math.round(elapsedMs),
});

function describe({ cli, services, source, target }: Task, { outcome: { copy, receipt, receiptName }, elapsedMs }: Finished): string {
  const { terminal } = cli;
  const proof = receipt
    ? ([
        ['root', copy.content?.root ?? ''],
        [
          'read back',
          `${receipt.body.verification.percent === 100 ? 'in full' : `${receipt.body.verification.percent}%`} and equal (${copy.leavesChecked} leaves)`,
        ],
        ['signed by', receipt.signature.keyId],
        ['public key', services.publicKeyPath],
        ['verify', `hyperexport verify ${shellWord(`${dirname(target)}/${receiptName ?? ''}`)}`],
      ] as const)
    : ([['proof', 'none was asked for']] as const);
  return (
    `${terminal.paint('green', terminal.paint('bold', printable(basename(target))))}: ${receipt ? 'converted and proven' : 'converted'}\n` +
    formatFields([
      ['from', `${source.path} (${source.format})`],
      ['to', target],
      ['size', `${formatBytes(copy.virtualSize)} disk in ${formatBytes(copy.fileSize)}`],
      ...(copy.resumedAt > 0 ? [['went on at', formatBytes(copy.resumedAt)] as const] : []),
      [
        'data',
        `${formatBytes(copy.dataRead)} in ${formatDuration(elapsedMs)} (${formatSpeed((copy.dataRead / Math.max(1, elapsedMs)) * 1000)}, all stages included)`,
      ],
      ...proof,
      ...copy.warnings.map((warning) => ['warning', warning] as const),
    ])
  );
}
