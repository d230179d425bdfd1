import { buildApplication, buildCommand, buildRouteMap, run, type Application, type Command } from '@stricli/core';
import type { CliContext } from './cli-context.ts';
import { commandTable, isVerb, verbs, type Verb } from './command-table.ts';
import { usageTextFor } from './usage-text.ts';

/** Parses and runs a line that is neither help nor version. What fails is thrown. */
export async function runLine(line: readonly string[], context: CliContext): Promise<number> {
  await run(await applicationFor(line), line, context);
  return Number(context.process.exitCode);
}

/** The application with the named command in full and the others by name only. */
async function applicationFor(line: readonly string[]): Promise<Application<CliContext>> {
  const named = isVerb(line[0]) ? line[0] : undefined;
  const command = named === undefined ? undefined : await commandTable[named].load();
  const routes = Object.fromEntries(verbs.map((verb) => [verb, verb === named && command ? command : nameOnly(verb)]));
  return buildApplication<CliContext>(buildRouteMap({ routes, docs: { brief: 'Export VM disks' } }), {
    name: 'hyperexport',
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    documentation: { caseStyle: 'convert-camel-to-kebab', disableAnsiColor: true },
    localization: { text: usageTextFor(line) },
  });
}

const nameOnly = (verb: Verb): Command<CliContext> =>
  buildCommand<Record<never, never>, [], CliContext>({ docs: { brief: commandTable[verb].brief }, parameters: {}, func: () => undefined });
