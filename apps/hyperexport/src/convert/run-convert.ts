import { basename, dirname, resolve } from 'node:path';
import { HyperError } from '@hypersdk/domain';
import type { BlockLocator, Encryption, ImageSettings, Signer, StorageTarget } from '@hypersdk/ports';
import { convertImage, expectSize, requireSpace } from '@hypersdk/usecases';
import type { CliContext } from '../cli-context.ts';
import { chooseEncryption } from '../encryption/choose-encryption.ts';
import type { ConvertFlags } from '../commands/convert.ts';
import { formatOfName, toImageSettings } from '../flags/image-flags.ts';
import { isAddress } from '../flags/parsers.ts';
import { toArgs } from '../flags/to-args.ts';
import { respond } from '../output/respond.ts';
import { formatOfDisk, locateDisk, nameOfDisk, placeAgain } from '../locate-disk.ts';
import { openTracker } from '../progress/open-tracker.ts';
import { keepRate } from '../rate/keep-rate.ts';
import { recordRun } from '../run-record.ts';
import type { Services } from '../services.ts';
import { statIfThere } from '../stat-if-there.ts';
import { listenForStop, type Stop } from '../stop.ts';
import { tool } from '../tool.ts';
import { describeConvert, toConvertDocument, type FinishedConvert } from './describe-convert.ts';

interface Task {
  readonly cli: CliContext;
  readonly services: Services;
  readonly stop: Stop;
  readonly flags: ConvertFlags;
  readonly source: BlockLocator;
  /** The source as it was named, in a form that holds in any folder. */
  readonly sourceName: string;
  readonly target: string;
  readonly settings: ImageSettings;
  readonly encryption?: Encryption;
}

export async function runConvert(this: CliContext, flags: ConvertFlags, from: string, to: string): Promise<void> {
  if (isAddress(to)) return (await import('./run-fill.ts')).runFill(this, flags, { from, to });
  const target = resolve(to);
  const services = await this.services();
  const encryption = await chooseEncryption(flags, { keyFolder: services.copyKeys, terminal: this.terminal });
  checkName(target, encryption);
  const settings = toImageSettings(flags, formatOfName(target.replace(/\.age$/, '')) ?? unknownFormat(target, flags));
  using stop = listenForStop();
  const source = await locateDisk(services, from, { flags, stop, terminal: this.terminal });
  if (source.kind === 'image') await refuseSameFile(source.image.path, target);
  const sourceName = nameOfDisk(source, from);
  const task: Task = { cli: this, services, stop, flags, source, sourceName, target, settings, ...(encryption ? { encryption } : {}) };
  const finished = flags.unverified ? await convert(task) : await convertRemembered(task);
  respond(this, flags, { document: toConvertDocument(finished), text: () => describeConvert(finished, this.terminal) });
}

/** A name that tells otherwise than the file is would mislead whoever opens it. */
function checkName(target: string, encryption: Encryption | undefined): void {
  if (target.endsWith('.age') === (encryption !== undefined)) return;
  const why = encryption
    ? 'what is encrypted has a name that ends in .age'
    : 'a name that ends in .age is for what is encrypted; say for whom with --encrypt-to';
  throw new HyperError('usage/invalid', `${basename(target)}: ${why}`);
}

/** A copy onto itself would take the place of its own source. */
async function refuseSameFile(source: string, target: string): Promise<void> {
  const [a, b] = await Promise.all([statIfThere(source), statIfThere(target)]);
  if (a && b && a.dev === b.dev && a.ino === b.ino) throw new HyperError('usage/invalid', `${target} is SOURCE itself; name another TARGET`);
}

/** What is typed to go on: the query is needed for that, a user and password are not kept. */
const againName = ({ source, sourceName }: Task): string => (source.kind === 'http' ? placeAgain(source.url) : sourceName);

/** What can go on after a stop is worth remembering. */
function convertRemembered(task: Task): Promise<FinishedConvert> {
  const { services, stop, flags, sourceName, target } = task;
  const { json: _json, quiet: _quiet, plain: _plain, restart: _restart, ...choices } = flags;
  const resume = ['convert', ...toArgs(choices), '--', againName(task), target];
  return recordRun(
    services,
    { command: 'convert', source: sourceName, target, resume },
    {
      signal: stop.signal,
      work: () => convert(task),
      gain: ({ outcome: { copy } }) => ({ bytes: copy.virtualSize, ...(copy.content ? { root: copy.content.root } : {}) }),
    },
  );
}

async function convert({ cli, services, stop, flags, source, sourceName, target, settings, encryption }: Task): Promise<FinishedConvert> {
  const startedAt = services.clock.elapsed();
  const isProven = !flags.unverified && !flags.noDigest;
  const folder = await services.target(dirname(target));
  const ports = {
    transfer: services.transfer({ workers: flags.workers }),
    inspector: services.inspector,
    remotes: services.remotes,
    signer: isProven ? await services.signer() : noSigner,
    clock: services.clock,
    target: folder,
    tool,
  };
  await requireRoom(folder, { services, stop, flags, source, target, settings, encryption });
  using rate = keepRate(ports.transfer, flags.limitRate, services.clock);
  const request = {
    source: source.kind === 'image' ? source.image : source,
    path: `${folder.folder ?? dirname(target)}/${basename(target)}${flags.split === undefined ? '' : '.001'}`,
    settings,
    ...(flags.split === undefined ? {} : { volumeSize: flags.split }),
    ...(encryption ? { encryption } : {}),
    digest: isProven ? 'tree' : 'none',
    durability: flags.unverified ? 'none' : 'sync',
    ...(flags.economy ? { effort: 'economy' as const } : {}),
    verifyPercent: flags.verify,
    ...(rate.budget === undefined ? {} : { rateLimit: rate.budget }),
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
  return {
    source: { path: sourceName, format: formatOfDisk(source) },
    target,
    outcome,
    elapsedMs: services.clock.elapsed() - startedAt,
    publicKeyPath: services.publicKeyPath,
  };
}

type Room = Omit<Task, 'cli' | 'sourceName' | 'encryption'> & { readonly encryption: Encryption | undefined };

/** Only of an image that lies here: some servers answer a single connection, and that one is for the copy. A kept copy is gone on with. */
async function requireRoom(folder: StorageTarget, task: Room): Promise<void> {
  const { services, stop, flags, source, target, settings, encryption } = task;
  if (flags.noSpaceCheck || source.kind !== 'image') return;
  for await (const { name } of folder.list(basename(target), stop)) if (name.includes('.partial.')) return;
  const needed = expectSize(await services.inspector.inspect(source.image, stop), { settings, ...(encryption ? { encryption } : {}) });
  await requireSpace(folder, { needed, settings }, stop);
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
