import { buildApplication, buildCommand, buildRouteMap, run, type CommandContext } from '@stricli/core';
import { exportParameters, type ExportFlags } from '../commands/export.ts';
import { usageTextFor } from '../usage-text.ts';
import type { ExportOrder } from './open-export.ts';

/** What an export line means, without doing it. What is wrong with it is thrown as for a line that was typed. */
export async function parseExportLine(line: readonly string[]): Promise<ExportOrder> {
  let order: ExportOrder | undefined;
  const command = buildCommand<ExportFlags, [string, ...string[]], CommandContext>({
    docs: { brief: '' },
    parameters: exportParameters,
    func: (flags, path, ...names) => void (order = { path, names, flags }),
  });
  const app = buildApplication(buildRouteMap({ routes: { export: command }, docs: { brief: '' } }), {
    name: 'hyperexport',
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    localization: { text: usageTextFor(line) },
  });
  const process = { stdout: { write: () => undefined }, stderr: { write: () => undefined } };
  await run(app, line, { process });
  if (!order) throw new Error('An export line was parsed to nothing.');
  return order;
}
