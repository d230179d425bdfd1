import { errorTable, HyperError, toConnectionId } from '@hypersdk/domain';
import type { Cancel, Inventory } from '@hypersdk/ports';
import type { CliContext } from '../cli-context.ts';
import type { ResidueFlags } from '../commands/residue.ts';
import { openForWork } from '../open-files.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { listenForStop } from '../stop.ts';
import { isExportGone } from './is-export-gone.ts';
import { describeResidue, toResidueDocument, type VMNames } from './describe-residue.ts';

export async function runResidue(this: CliContext, flags: ResidueFlags, uri: string): Promise<void> {
  const services = await this.services();
  const { reapSource } = await import('@hypersdk/usecases');
  using stop = listenForStop();
  await using session = await openForWork(services, uri, { flags, signal: stop.signal });
  const { residue } = session.facets;
  if (!residue) throw new HyperError('usage/invalid', `Nothing is ever made at ${uri}.`);
  const request = {
    connection: toConnectionId(uri),
    residue,
    isRunning: (run: string) => services.runs.isHeld(run),
    unknownToo: flags.unknownToo ?? false,
    goneToo: flags.goneToo ?? false,
    isGone: isExportGone,
    dryRun: !flags.remove,
  };
  const names = await nameVMs(session.facets.inventory, stop);
  const onProblem = (problem: string): void => this.terminal.err(`hyperexport: a record cannot be read: ${printable(problem)}\n`);
  const report = await reapSource(await services.effects())(request, { signal: stop.signal, onProblem });
  const shown = { wish: request, names };
  respond(this, flags, { document: toResidueDocument(report, shown), text: () => describeResidue(report, shown) });
  const [first] = report.failed;
  if (first) this.process.exitCode = errorTable[first.error instanceof HyperError ? first.error.code : 'internal/unexpected'].exit;
}

/** Asked before anything is taken away, which may be a VM itself. A name is a convenience: without it the id is shown. */
async function nameVMs(inventory: Inventory, { signal }: Cancel): Promise<VMNames> {
  const names = new Map<string, string>();
  try {
    for await (const { id, name } of inventory.list({ signal })) names.set(id, name);
  } catch {
    signal.throwIfAborted();
  }
  return names;
}
