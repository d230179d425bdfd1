import { mkdtemp, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { HyperError } from '@hypersdk/domain';
import type { ConversionNews, GuestConverter } from '@hypersdk/ports';
import { convertGuest, openPlaces, planConversion, type ConvertGuestOutcome } from '@hypersdk/usecases';
import type { CliContext } from '../cli-context.ts';
import type { AdaptFlags } from '../commands/adapt.ts';
import { toImageSettings } from '../flags/image-flags.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { openTracker } from '../progress/open-tracker.ts';
import type { Services } from '../services.ts';
import { statIfThere } from '../stat-if-there.ts';
import { listenForStop, type Stop } from '../stop.ts';
import { tool } from '../tool.ts';
import { describeAdapted, describeAdaptPlan, toAdaptDocument } from './describe-adapted.ts';

/** For large files that survive a restart of the machine: overlays hold as much as virt-v2v changes, an initial RAM disk or two. */
const WORK_FOLDER = '/var/tmp';
const WORK_PREFIX = 'hypersdk-guest-';

export async function runAdapt(this: CliContext, flags: AdaptFlags, path: string): Promise<void> {
  // A target is made when it is not there; an export that is not there is none.
  if (!(await statIfThere(path))?.isDirectory()) throw new HyperError('source/not-found', `There is no folder ${path}.`);
  const services = await this.services();
  using stop = listenForStop();
  const folder = resolve(path);
  const original = basename(folder);
  const name = flags.name ?? `${original}-kvm`;
  const converter = await services.guestConverter({ unsandboxed: flags.allowUnsandboxed ?? false });
  const wish = { original, name, settings: toImageSettings(flags, 'qcow2'), overwrite: flags.overwrite ?? false };
  const ports = { ...services, target: await services.target(dirname(folder)) };
  if (flags.dryRun) {
    const { manifest } = await planConversion(ports)(wish, stop);
    const by = await requireReady(converter, stop);
    const plan = { original, name, vm: manifest.vm.name, disks: manifest.disks.map(({ file }) => file), converter: by, dryRun: true };
    return respond(this, flags, { document: plan, text: () => describeAdaptPlan(plan) });
  }
  await adapt(this, { services, stop, flags, folder, converter, wish });
}

interface Task {
  readonly services: Services;
  readonly stop: Stop;
  readonly flags: AdaptFlags;
  readonly folder: string;
  readonly converter: GuestConverter;
  readonly wish: Parameters<ReturnType<typeof planConversion>>[0];
}

async function adapt(cli: CliContext, task: Task): Promise<void> {
  const { services, flags, folder, wish } = task;
  const startedAt = services.clock.elapsed();
  const outcome = await convert(cli, task);
  const made = join(dirname(folder), wish.name);
  const finished = { outcome, folder: made, elapsedMs: services.clock.elapsed() - startedAt, publicKeyPath: services.publicKeyPath };
  respond(cli, flags, { document: toAdaptDocument(finished), text: () => describeAdapted(finished, cli.terminal) });
}

async function convert(cli: CliContext, { services, stop, flags, folder, converter, wish }: Task): Promise<ConvertGuestOutcome> {
  const { clock, ids, inspector } = services;
  const ports = {
    transfer: services.transfer({ workers: flags.workers }),
    signer: await services.signer(),
    prover: await services.bootProver({ unsandboxed: flags.allowUnsandboxed ?? false }),
    converter,
    inspector,
    clock,
    ids,
    target: await services.target(dirname(folder)),
    tool,
  };
  await using work = await openWork(flags.work ?? WORK_FOLDER);
  using tracker = openTracker(cli.terminal, { flags, clock, verifyPercent: flags.verify, stop });
  return await convertGuest(ports)(
    { ...wish, work: work.path, verifyPercent: flags.verify, parallel: openPlaces(1), timeLimitMs: flags.timeLimit * 1000 },
    {
      signal: stop.signal,
      onNews: ({ kind, text }: ConversionNews) => {
        if (!flags.quiet && kind === 'step') cli.terminal.err(`hyperexport: ${printable(wish.original)}: ${printable(text)}\n`);
      },
      onProgress: ({ disks }) => {
        for (const disk of disks) {
          if (disk.progress) tracker.report(disk.id, disk.label, disk.progress);
          if (disk.state === 'done') tracker.done(disk.id);
        }
      },
    },
  );
}

async function openWork(parent: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(resolve(parent), WORK_PREFIX)).catch((cause: unknown) => {
    throw new HyperError('usage/invalid', `Nothing can be written in ${parent}; choose another folder with --work.`, { cause });
  });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function requireReady(
  converter: GuestConverter,
  { signal }: Stop,
): Promise<{ readonly program: string; readonly version: string; readonly sandbox: string }> {
  const readiness = await converter.probe({ signal });
  if (!readiness.ready) throw new HyperError('convert/unavailable', `Guests cannot be converted here: ${readiness.reason}`);
  const { program, version, sandbox } = readiness;
  return { program, version, sandbox };
}
