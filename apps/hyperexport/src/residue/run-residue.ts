import { errorTable, HyperError, toConnectionId } from '@hypersdk/domain';
import type { CliContext } from '../cli-context.ts';
import type { ResidueFlags } from '../commands/residue.ts';
import { openForWork } from '../open-files.ts';
import { printable } from '../output/printable.ts';
import { respond } from '../output/respond.ts';
import { listenForStop } from '../stop.ts';
import { isExportGone } from './is-export-gone.ts';
import { describeResidue, toResidueDocument } from './describe-residue.ts';

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
  const onProblem = (problem: string): void => this.terminal.err(`hyperexport: a record cannot be read: ${printable(problem)}\n`);
  const report = await reapSource(await services.effects())(request, { signal: stop.signal, onProblem });
  respond(this, flags, { document: toResidueDocument(report, request), text: () => describeResidue(report, request) });
  const [first] = report.failed;
  if (first) this.process.exitCode = errorTable[first.error instanceof HyperError ? first.error.code : 'internal/unexpected'].exit;
}
