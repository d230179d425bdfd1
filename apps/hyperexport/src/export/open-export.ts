import { resolve } from 'node:path';
import { HyperError, type VMInfo } from '@hypersdk/domain';
import type { Cancel, Encryption, ProviderSession } from '@hypersdk/ports';
import type { ExportFlags } from '../commands/export.ts';
import { chooseEncryption } from '../encryption/choose-encryption.ts';
import { toArgs } from '../flags/to-args.ts';
import { nameOfPlace, placeAgain } from '../locate-disk.ts';
import { openPlace } from '../open-files.ts';
import type { RunSubject } from '../run-record.ts';
import type { Services } from '../services.ts';
import type { Terminal } from '../terminal.ts';
import { checkChoice, checkSizes } from './check-choice.ts';
import { chooseVMs } from './choose-vms.ts';

/** What is to be exported, as it was asked for. */
export interface ExportOrder {
  readonly path: string;
  /** Names or ids of VMs; empty for all, or for those that `--match` finds. */
  readonly names: readonly string[];
  readonly flags: ExportFlags;
}

/** An order whose VMs were found and fit its flags. */
export interface OpenedExport extends AsyncDisposable {
  readonly order: ExportOrder;
  readonly session: ProviderSession;
  readonly vms: readonly VMInfo[];
  /** For whom its images are encrypted. */
  readonly encryption?: Encryption;
}

export async function openExport(
  services: Services,
  order: ExportOrder,
  o: Cancel & { readonly onProblem: (problem: string) => void; readonly terminal?: Pick<Terminal, 'canAsk'> },
): Promise<OpenedExport> {
  const { path, names, flags } = order;
  checkSelection(order);
  const encryption = await chooseEncryption(flags, { keyFolder: services.copyKeys, terminal: o.terminal ?? { canAsk: false } });
  await using opened = new AsyncDisposableStack();
  const session = opened.use(await openPlace(services, path, { flags, name: flags.name, signal: o.signal }));
  const vms = await chooseVMs(session.facets.inventory, { names, ...(flags.match === undefined ? {} : { match: flags.match }) }, o);
  checkChoice(vms, flags);
  checkSizes(services, vms, flags);
  const kept = opened.move();
  return { order, session, vms, ...(encryption ? { encryption } : {}), [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Three ways to say which VMs, of which one is enough. */
function checkSelection({ names, flags }: ExportOrder): void {
  const ways = [names.length > 0 && `VM ${names[0]}`, flags.all && '--all', flags.match !== undefined && '--match'].filter(
    (way) => way !== false && way,
  );
  if (ways.length > 1) throw new HyperError('usage/invalid', `${ways.join(' and ')} both say which VMs are meant; give one of them`);
}

/** What the run is remembered by, with the command line that goes on with it from any folder: the same choices, without what is about the screen or about beginning anew. */
export function toSubject({ path, names, flags }: ExportOrder): RunSubject {
  const {
    json: _json,
    quiet: _quiet,
    plain: _plain,
    dryRun: _dryRun,
    validateOnly: _validate,
    restart: _restart,
    profile: _profile,
    ...choices
  } = flags;
  return {
    command: 'export',
    source: [nameOfPlace(path), ...names].join(' '),
    target: resolve(flags.to),
    resume: ['export', ...toArgs({ ...choices, to: resolve(flags.to) }), '--', placeAgain(path), ...names],
  };
}
